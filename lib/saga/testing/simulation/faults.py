"""What can go wrong at a point of a run, and the words for it in a report."""

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

#: What is said of a fault; {where} is its point, {process} what runs there, {until} its end.
WORDS = {
    FaultKind.CRASH: "crash {where}",
    FaultKind.DUPLICATE: "the same task is delivered a second time {where}, and overtakes",
    FaultKind.FREEZE: "the process stands still {where} until {until}",
    FaultKind.INTERLEAVE: "a second worker begins {where}, and {turns}",
    FaultKind.AHEAD: "the clock is ahead {where}",
    FaultKind.BEHIND: "the clock is behind {where}",
    FaultKind.LOST_ANSWER: "the answer is lost {where}",
    FaultKind.NOT_MADE: "nothing is written and nothing answers {where}",
    FaultKind.MADE_LATE: "nothing answers {where}, and it is written when {until}",
    FaultKind.REFUSED: "the queue takes nothing {where}",
    FaultKind.UNREAD: "the Datastore does not answer {where}",
    FaultKind.DEFERRED: "the Datastore defers the root in {where} until {overtaker}",
    FaultKind.TIME_OUT: "the time-out strikes {where}",
    FaultKind.OUTLAST: "the time-out strikes {where}, which goes on in its thread when {until}",
    FaultKind.DROP: "the queue is dropped {where}",
    FaultKind.DELAY: "{process} is late, until {until}",
    FaultKind.COPY: "{process} is delivered a second time, when {until}",
    FaultKind.NO_CONNECTION: "there is no connection {where}",
    FaultKind.LOST_REQUEST: "the request is lost {where}",
    FaultKind.SERVED_LATE: "nothing answers {where}, and it is served when {until}",
    FaultKind.SERVED_TWICE: "the service gets the request a second time {where}, when {until}",
    FaultKind.LATE_ANSWER: "the answer comes too late {where}",
    FaultKind.BAD_GATEWAY: "a proxy answers 502 {where}",
    FaultKind.CANCEL: "a cancel is requested {where}",
    FaultKind.PAUSE: "the saga is paused {where}",
    FaultKind.RESUME: "the saga is resumed {where}",
    FaultKind.RETRY: "the saga is retried by hand {where}",
    FaultKind.SKIP: "the failed step is skipped by hand {where}",
    FaultKind.VOID: "the failed step is said not to have happened {where}",
    FaultKind.PARK: "the saga is parked by hand {where}",
    FaultKind.RESOLVE: "the saga is resolved by hand {where}",
    FaultKind.DEPLOY: "a deployment withdraws the definition {where}",
    FaultKind.DEPLOY_TYPES: "a deployment changes the types of payload and signals {where}",
    FaultKind.SIGNAL: "the signals come {where}",
    FaultKind.NO_SIGNAL: "{process} never comes",
}


def describe_fault(point: Point, fault: Fault) -> str:
    """Say in words what goes wrong."""
    words = WORDS[fault.kind].format(
        where=point.where,
        process=point.process,
        until=_describe_events(fault.events),
        overtaker=_describe_overtaker(fault.events),
        turns=_describe_turns(fault.events),
    )
    return words + ("; the queue forgets its task" if fault.lost else "")


def _describe_events(events: int | None) -> str:
    if events is None:
        return "all is quiet"
    if events == 0:
        return "it has ended"
    return f"{events} more {'delivery has' if events == 1 else 'deliveries have'} run"


def _describe_overtaker(events: int | None) -> str:
    return "all is quiet" if events is None else "the same task was delivered again"


def _describe_turns(points: int | None) -> str:
    if points is None:
        return "both go on in turn"
    return f"stands at its point {points} until this one has ended"
