"""A process of a run: it runs one delivery, one sweep or the start, and may be killed."""

from dataclasses import dataclass, field
from datetime import timedelta

from lib.saga.state.delivery import Delivery
from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.processes.exceptions import Killed
from lib.saga.testing.simulation.processes.worker import Worker
from lib.saga.testing.simulation.state.history import ActionCall


@dataclass(slots=True, eq=False)
class Process:
    """A process, and what it has done since its last point.

    `label` is that of the element that it works on. `moved` means that it has read or done
    anything, `durable` that some of it would survive a crash. `sweeps` means that it is repeated
    although it has no task.
    """

    name: str
    task: QueuedTask | None = None
    label: str = ""
    called: ActionCall | None = None
    #: Whether it has called an action.
    began: bool = False
    killed: bool = False
    moved: bool = True
    durable: bool = True
    sweeps: bool = False
    #: The error of its clock.
    skew: timedelta = timedelta(0)
    #: The sagas that were paused when it began.
    paused: frozenset[str] = frozenset()
    #: Workers that wait for this one.
    beside: list[Worker] = field(default_factory=list)

    def live(self) -> None:
        """Raise Killed if the process is dead."""
        if self.killed:
            raise Killed

    def die(self) -> None:
        """Kill the process."""
        self.killed = True
        raise Killed


def name_delivery(delivery: Delivery) -> str:
    """Return a delivery's name in a report: phase, step from 1 and attempt.

    For a child saga, the part of its id that follows its root's id comes first.
    """
    epoch = f" (epoch {delivery.epoch})" if delivery.epoch else ""
    child = delivery.saga_id.partition(":")[2]
    name = f"{delivery.phase}/{delivery.step + 1}/{delivery.attempt}{epoch}"
    return f"delivery {child}: {name}" if child else f"delivery {name}"
