"""What has happened in a run, and what is postponed: the state outside its services."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from lib.saga.testing.memory.queue import QueuedTask
from lib.saga.testing.simulation.faults.kinds import Fault, Point
from lib.saga.testing.simulation.state.history import History


@dataclass(frozen=True, slots=True)
class Postponed:
    """A postponed event: the delivery of a task, or another action.

    `until` counts deliveries; None means until nothing else is left to do.
    """

    until: int | None
    name: str
    task: QueuedTask | None = None
    act: Callable[[], None] | None = None

    def copy(self) -> "Postponed":
        """Return a copy with a task of its own."""
        return replace(self, task=replace(self.task)) if self.task else self


@dataclass(slots=True)
class Requests:
    """What operators and senders of signals have done so far."""

    #: Signals that were sent and accepted, and those that never come, by saga and name.
    sent: set[tuple[str, str]] = field(default_factory=set)
    absent: set[tuple[str, str]] = field(default_factory=set)
    #: Signals that were refused, with the state of the saga at that time.
    refused: set[tuple[str, str, int]] = field(default_factory=set)
    #: All parked sagas were retried by hand; that happens once.
    retried: bool = False

    def copy(self) -> "Requests":
        """Return an independent copy."""
        return Requests(set(self.sent), set(self.absent), set(self.refused), self.retried)


@dataclass(slots=True)
class RunState:
    """The state of a run besides its store and its queue."""

    next_sweep: datetime
    #: The last event after which a task may have been lost.
    last_life: datetime
    history: History = field(default_factory=History)
    points: list[Point] = field(default_factory=list)
    injected: list[tuple[Point, Fault]] = field(default_factory=list)
    report: list[str] = field(default_factory=list)
    #: Postponed events, and the number of events so far.
    held: list[Postponed] = field(default_factory=list)
    events: int = 0
    requests: Requests = field(default_factory=Requests)
    #: The sweep may be needed, for example after a lost task.
    may_need_sweep: bool = False
    #: A daily look has been due. Only the first one runs a sweep, to save time.
    has_looked: bool = False
    #: A fault has hit a process that no queue repeats.
    unrepeated: bool = False
    #: The saga that has needed the daily look.
    helped: str = ""
    #: The times since which processes are frozen.
    frozen: list[datetime] = field(default_factory=list)

    def copy(self) -> "RunState":
        """Return an independent copy."""
        return replace(
            self,
            history=self.history.copy(),
            points=list(self.points),
            injected=list(self.injected),
            report=list(self.report),
            held=[each.copy() for each in self.held],
            requests=self.requests.copy(),
            frozen=list(self.frozen),
        )
