"""What can go wrong at a point of a run, and how a person is told about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kinds of faults."""

    #: kill -9 of the process.
    CRASH = "crash"
    #: The queue delivers the task of the process a second time at once, and that one overtakes.
    DUPLICATE = "duplicate"
    #: The process stands still while the world goes on, and wakes up.
    FREEZE = "freeze"
    #: What was asked for was done, but its answer is lost.
    LOST_ANSWER = "lost answer"
    #: The queue does not take a task.
    REFUSED = "refused"
    #: The Datastore does not answer a lookup.
    UNREAD = "unread"
    #: The action does not answer in time.
    TIME_OUT = "time-out"
    #: The queue loses all its tasks.
    DROP = "drop"
    #: The queue dispatches a task late.
    DELAY = "delay"
    #: The queue dispatches a task once more, later.
    COPY = "copy"
    #: No fault, but as bad a moment for it as for any: an operator cancels the saga.
    CANCEL = "cancel"
    #: Nor are these: an operator pauses the saga until all is quiet; a signal comes, be it early.
    PAUSE = "pause"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `events` is for how many deliveries it lasts: None is until all is quiet.

    `lost` says of a freeze that the queue forgets the task of the frozen process too.
    """

    kind: FaultKind
    events: int | None = 0
    lost: bool = False


CRASH = Fault(FaultKind.CRASH)
DUPLICATE = Fault(FaultKind.DUPLICATE)
LOST_ANSWER = Fault(FaultKind.LOST_ANSWER)
REFUSED = Fault(FaultKind.REFUSED)
UNREAD = Fault(FaultKind.UNREAD)
TIME_OUT = Fault(FaultKind.TIME_OUT)
DROP = Fault(FaultKind.DROP)
CANCEL = Fault(FaultKind.CANCEL)
PAUSE = Fault(FaultKind.PAUSE)
SIGNAL = Fault(FaultKind.SIGNAL)

#: How many deliveries overtake a process that stands still, or a task that is late.
OVERTAKEN = (1, 2, None)
FREEZES = tuple(Fault(FaultKind.FREEZE, events) for events in OVERTAKEN)
LOST_FREEZES = tuple(Fault(FaultKind.FREEZE, events, lost=True) for events in OVERTAKEN)
DELAYS = tuple(Fault(FaultKind.DELAY, events) for events in OVERTAKEN)
COPIES = tuple(Fault(FaultKind.COPY, events) for events in (0, 1, None))


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a run at which something may go wrong, and the faults that matter there."""

    number: int
    where: str
    process: str
    faults: tuple[Fault, ...]


#: Says what goes wrong at a point, if anything does.
Choose = Callable[[Point], Fault | None]


def describe_fault(point: Point, fault: Fault) -> str:
    """Say in words what goes wrong."""
    where, until = point.where, _describe_events(fault.events)
    words = {
        FaultKind.CRASH: f"crash {where}",
        FaultKind.DUPLICATE: f"the same task is delivered a second time {where}, and overtakes",
        FaultKind.FREEZE: f"the process stands still {where} until {until}",
        FaultKind.LOST_ANSWER: f"the answer is lost {where}",
        FaultKind.REFUSED: f"the queue takes nothing {where}",
        FaultKind.UNREAD: f"the Datastore does not answer {where}",
        FaultKind.TIME_OUT: f"the time-out strikes {where}",
        FaultKind.DROP: f"the queue is dropped {where}",
        FaultKind.DELAY: f"{point.process} is late, until {until}",
        FaultKind.COPY: f"{point.process} is delivered a second time, when {until}",
        FaultKind.CANCEL: f"a cancel is requested {where}",
        FaultKind.PAUSE: f"the saga is paused {where}",
        FaultKind.SIGNAL: f"the signals come {where}",
    }
    return words[fault.kind] + ("; the queue forgets its task" if fault.lost else "")


def _describe_events(events: int | None) -> str:
    if events is None:
        return "all is quiet"
    if events == 0:
        return "it has ended"
    return f"{events} more {'delivery has' if events == 1 else 'deliveries have'} run"
