"""What can go wrong at a point of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The kinds of faults, and of what is no fault but may come at as bad a moment."""

    #: kill -9 of the process.
    CRASH = "crash"
    #: The queue delivers the task of the process a second time at once, and that one overtakes.
    DUPLICATE = "duplicate"
    #: The process stands still while everything else goes on, and wakes up.
    FREEZE = "freeze"
    #: A second worker runs at the same time: `events` points of its own before this one goes on
    #: to its end, or, for None, one point of each in turn.
    INTERLEAVE = "interleave"
    #: The clock of the process is wrong.
    AHEAD = "clock ahead"
    BEHIND = "clock behind"
    #: What was asked for was done, but its answer is lost.
    LOST_ANSWER = "lost answer"
    #: A commit has no answer, for it was not made; or it is made later.
    NOT_MADE = "commit not made"
    MADE_LATE = "commit made late"
    #: The queue does not take a task.
    REFUSED = "refused"
    #: The Datastore does not answer a lookup or a query.
    UNREAD = "unread"
    #: The Datastore defers the roots of a lookup, and answers them after other deliveries: after
    #: one more of the same task, or when all is quiet.
    DEFERRED = "deferred lookup"
    #: The action does not answer in time; it never began, or goes on in its thread for a while.
    TIME_OUT = "time-out"
    OUTLAST = "outlasts time-out"
    #: The queue loses all its tasks.
    DROP = "drop"
    #: The queue dispatches a task late.
    DELAY = "delay"
    #: The queue dispatches a task once more, later.
    COPY = "copy"
    #: An HTTP request: no connection; lost on its way; served only later; served twice; served,
    #: with an answer that comes too late; answered by a broken proxy.
    NO_CONNECTION = "no connection"
    LOST_REQUEST = "lost request"
    SERVED_LATE = "served late"
    SERVED_TWICE = "served twice"
    LATE_ANSWER = "late answer"
    BAD_GATEWAY = "bad gateway"
    #: An operator's requests. A pause lasts until all is quiet.
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry by hand"
    SKIP = "skip by hand"
    VOID = "void by hand"
    PARK = "park by hand"
    RESOLVE = "resolve by hand"
    #: A deployment withdraws the definition; when all is quiet, the next one brings it back.
    DEPLOY = "deploy"
    #: A deployment under the same version, with types that the stored payloads do not fit.
    DEPLOY_TYPES = "deploy of other types"
    #: The signals come, be it early.
    SIGNAL = "signal"
    #: The signal that is waited for never comes.
    NO_SIGNAL = "no signal"


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

#: How many deliveries overtake a process that stands still, or a task that is late.
OVERTAKEN = (1, None)
FREEZES = tuple(Fault(FaultKind.FREEZE, events) for events in OVERTAKEN)
LOST_FREEZES = tuple(Fault(FaultKind.FREEZE, events, lost=True) for events in OVERTAKEN)
INTERLEAVINGS = tuple(Fault(FaultKind.INTERLEAVE, points) for points in (1, 2, None))
#: Between the answers of a deferred lookup, the same task is delivered again, or all goes on.
DEFERRALS = tuple(Fault(FaultKind.DEFERRED, events) for events in (0, None))
DELAYS = tuple(Fault(FaultKind.DELAY, events) for events in OVERTAKEN)
COPIES = tuple(Fault(FaultKind.COPY, events) for events in (0, None))

#: What is done late is done after the next delivery, or when all is quiet.
LATER = (1, None)
LATE_COMMITS = tuple(Fault(FaultKind.MADE_LATE, events) for events in LATER)
STRAGGLERS = tuple(Fault(FaultKind.OUTLAST, events) for events in LATER)
SERVED_AGAIN = tuple(Fault(FaultKind.SERVED_TWICE, events) for events in (0, *LATER))
LATE_REQUESTS = tuple(Fault(FaultKind.SERVED_LATE, events) for events in LATER)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a run at which something may go wrong, and the faults that matter there.

    `part` names the part of the saga whose delivery has come there; other processes have none.
    """

    number: int
    where: str
    process: str
    faults: tuple[Fault, ...]
    part: str = ""


#: Says what goes wrong at a point, if anything does.
Choose = Callable[[Point], Fault | None]
