"""The description of a fault in a report."""

from lib.saga.testing.simulation.faults.kinds import Fault, FaultKind, Point

#: Descriptions: {where} is the fault's point, {process} is what runs there, {until} is its end.
WORDS = {
    FaultKind.CRASH: "crash {where}",
    FaultKind.DUPLICATE: "the same task is delivered a second time {where}, and overtakes",
    FaultKind.FREEZE: "the process freezes {where} until {until}",
    FaultKind.INTERLEAVE: "a second worker starts {where}, and {turns}",
    FaultKind.AHEAD: "the clock is ahead {where}",
    FaultKind.BEHIND: "the clock is behind {where}",
    FaultKind.LOST_ANSWER: "the answer is lost {where}",
    FaultKind.NOT_MADE: "nothing is written, and there is no answer {where}",
    FaultKind.MADE_LATE: "there is no answer {where}, and the write happens when {until}",
    FaultKind.REFUSED: "the queue refuses the task {where}",
    FaultKind.UNREAD: "the Datastore does not answer {where}",
    FaultKind.TIME_OUT: "the action times out {where}",
    FaultKind.OUTLAST: "the action times out {where}, and runs in its thread when {until}",
    FaultKind.DROP: "the queue is dropped {where}",
    FaultKind.DELAY: "{process} is late, until {until}",
    FaultKind.COPY: "{process} is delivered a second time, when {until}",
    FaultKind.NO_CONNECTION: "there is no connection {where}",
    FaultKind.LOST_REQUEST: "the request is lost {where}",
    FaultKind.SERVED_LATE: "there is no answer {where}, and the request is served when {until}",
    FaultKind.SERVED_TWICE: "the service gets the request a second time {where}, when {until}",
    FaultKind.LATE_ANSWER: "the answer is too late {where}",
    FaultKind.BAD_GATEWAY: "a proxy answers 502 {where}",
    FaultKind.CANCEL: "a cancel is requested {where}",
    FaultKind.PAUSE: "the saga is paused {where}",
    FaultKind.RESUME: "the saga is resumed {where}",
    FaultKind.RETRY: "the saga is retried by hand {where}",
    FaultKind.SKIP: "the failed step is skipped by hand {where}",
    FaultKind.VOID: "the failed step is voided by hand {where}",
    FaultKind.PARK: "the saga is parked by hand {where}",
    FaultKind.RESOLVE: "the saga is resolved by hand {where}",
    FaultKind.DEPLOY: "a deployment withdraws the definition {where}",
    FaultKind.DEPLOY_TYPES: "a deployment changes the types of payload and signals {where}",
    FaultKind.SIGNAL: "the signals are sent {where}",
    FaultKind.NO_SIGNAL: "{process} never comes",
}


def describe_fault(point: Point, fault: Fault) -> str:
    """Return the description of a fault."""
    words = WORDS[fault.kind].format(
        where=point.where,
        process=point.process,
        until=_describe_events(fault.events),
        turns=_describe_turns(fault.events),
    )
    return words + ("; the queue forgets its task" if fault.lost else "")


def _describe_events(events: int | None) -> str:
    if events is None:
        return "nothing else is left to do"
    if events == 0:
        return "it has ended"
    return f"{events} more {'delivery has' if events == 1 else 'deliveries have'} run"


def _describe_turns(points: int | None) -> str:
    if points is None:
        return "the two take turns"
    return f"waits at its point {points} until this one has ended"
