"""What can go wrong at a point of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kinds of faults, and of other events that may happen at a bad moment."""

    #: kill -9 of the process.
    CRASH = "crash"
    #: The queue delivers the process's task a second time now, and that delivery overtakes it.
    DUPLICATE = "duplicate"
    #: The process freezes while everything else continues, and then wakes up.
    FREEZE = "freeze"
    #: A second worker runs at the same time: it runs to its point number `events`, and then this
    #: one runs to its end. For None the two take turns, one point each.
    INTERLEAVE = "interleave"
    #: The clock of the process is wrong.
    AHEAD = "clock ahead"
    BEHIND = "clock behind"
    #: The call was executed, but its answer is lost.
    LOST_ANSWER = "lost answer"
    #: A commit has no answer because it was not made; or it is made later.
    NOT_MADE = "commit not made"
    MADE_LATE = "commit made late"
    #: The queue accepts no task.
    REFUSED = "refused"
    #: Datastore does not answer a lookup or a query.
    UNREAD = "unread"
    #: The action does not answer in time; it never began, or continues in its thread for a while.
    TIME_OUT = "timeout"
    OUTLAST = "outlasts timeout"
    #: The queue loses all its tasks.
    DROP = "drop"
    #: The queue dispatches a task late.
    DELAY = "delay"
    #: The queue dispatches a task a second time, later.
    COPY = "copy"
    #: An HTTP request: no connection; lost; served only later; served twice; served, but the answer
    #: comes too late; answered by a broken proxy.
    NO_CONNECTION = "no connection"
    LOST_REQUEST = "lost request"
    SERVED_LATE = "served late"
    SERVED_TWICE = "served twice"
    LATE_ANSWER = "late answer"
    BAD_GATEWAY = "bad gateway"
    #: An operator's requests. A pause lasts until nothing else is left to do.
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry by hand"
    SKIP = "skip by hand"
    VOID = "void by hand"
    PARK = "park by hand"
    RESOLVE = "resolve by hand"
    #: A deployment withdraws the definition; when nothing else is left to do, the next one restores
    #: it.
    DEPLOY = "deploy"
    #: A deployment under the same version, with types that the stored payloads do not fit.
    DEPLOY_TYPES = "deploy of other types"
    #: The signals come, perhaps early.
    SIGNAL = "signal"
    #: The signal that is waited for never comes.
    NO_SIGNAL = "no signal"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    `events` is the number of deliveries that it lasts; None means until nothing else is left to do.
    `lost` means that the queue also loses the task of a frozen process.
    """

    kind: FaultKind
    events: int | None = 0
    lost: bool = False


CRASH = Fault(FaultKind.CRASH)
DUPLICATE = Fault(FaultKind.DUPLICATE)
AHEAD = Fault(FaultKind.AHEAD)
BEHIND = Fault(FaultKind.BEHIND)
LOST_ANSWER = Fault(FaultKind.LOST_ANSWER)
NOT_MADE = Fault(FaultKind.NOT_MADE)
REFUSED = Fault(FaultKind.REFUSED)
UNREAD = Fault(FaultKind.UNREAD)
TIME_OUT = Fault(FaultKind.TIME_OUT)
DROP = Fault(FaultKind.DROP)
NO_CONNECTION = Fault(FaultKind.NO_CONNECTION)
LOST_REQUEST = Fault(FaultKind.LOST_REQUEST)
LATE_ANSWER = Fault(FaultKind.LATE_ANSWER)
BAD_GATEWAY = Fault(FaultKind.BAD_GATEWAY)
CANCEL = Fault(FaultKind.CANCEL)
PAUSE = Fault(FaultKind.PAUSE)
RESUME = Fault(FaultKind.RESUME)
RETRY = Fault(FaultKind.RETRY)
SKIP = Fault(FaultKind.SKIP)
VOID = Fault(FaultKind.VOID)
PARK = Fault(FaultKind.PARK)
RESOLVE = Fault(FaultKind.RESOLVE)
DEPLOY = Fault(FaultKind.DEPLOY)
DEPLOY_TYPES = Fault(FaultKind.DEPLOY_TYPES)
SIGNAL = Fault(FaultKind.SIGNAL)
NO_SIGNAL = Fault(FaultKind.NO_SIGNAL)

#: The numbers of deliveries that overtake a frozen process, or a late task.
OVERTAKEN = (1, None)
FREEZES = tuple(Fault(FaultKind.FREEZE, events) for events in OVERTAKEN)
LOST_FREEZES = tuple(Fault(FaultKind.FREEZE, events, lost=True) for events in OVERTAKEN)
INTERLEAVINGS = tuple(Fault(FaultKind.INTERLEAVE, points) for points in (1, 2, None))
DELAYS = tuple(Fault(FaultKind.DELAY, events) for events in OVERTAKEN)
COPIES = tuple(Fault(FaultKind.COPY, events) for events in (0, None))

#: Late actions happen after the next delivery, or when nothing else is left to do.
LATER = (1, None)
LATE_COMMITS = tuple(Fault(FaultKind.MADE_LATE, events) for events in LATER)
STRAGGLERS = tuple(Fault(FaultKind.OUTLAST, events) for events in LATER)
SERVED_AGAIN = tuple(Fault(FaultKind.SERVED_TWICE, events) for events in (0, *LATER))
LATE_REQUESTS = tuple(Fault(FaultKind.SERVED_LATE, events) for events in LATER)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a run at which something may go wrong, and the possible faults.

    `label` is that of the element whose delivery is there; other processes have none.
    """

    number: int
    where: str
    process: str
    faults: tuple[Fault, ...]
    label: str = ""


#: Chooses the fault at a point, if any.
Choose = Callable[[Point], Fault | None]
