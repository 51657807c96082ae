"""The state of a run between two events, to go on from there again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from lib.saga.testing.memory import entities, queue
from lib.saga.testing.memory.queue import Task
from lib.saga.testing.simulation.deployment import Deployed
from lib.saga.testing.simulation.faults import Fault, Point
from lib.saga.testing.simulation.history import History


@dataclass(frozen=True, slots=True)
class Postponed:
    """What happens later: a task that is delivered, or something else that is done by itself.

    `until` counts deliveries; None is until all is quiet.
    """

    until: int | None
    name: str
    task: Task | None = None
    act: Callable[[], None] | None = None

    def copy(self) -> "Postponed":
        """Return the same with a task of its own."""
        return replace(self, task=replace(self.task)) if self.task else self


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of an environment between two events."""

    now: datetime
    memory: entities.Saved
    queue: queue.Saved
    history: History
    points: tuple[Point, ...] = ()
    injected: tuple[tuple[Point, Fault], ...] = ()
    report: tuple[str, ...] = ()
    held: tuple[Postponed, ...] = ()
    events: int = 0
    unrepeated: bool = False
    deployed: Deployed = Deployed.DECLARED
