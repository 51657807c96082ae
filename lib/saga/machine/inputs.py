"""What can happen to a saga: the inputs of the machine, as plain data."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from msgspec import UNSET, UnsetType

from lib.saga.definition.phase import Phase
from lib.saga.state.records import SagaStatus


class Result(StrEnum):
    """How one call of an action ended."""

    DONE = "done"
    #: It did not happen and never will.
    PERMANENT = "permanent"
    #: It did not happen, but may later.
    RETRYABLE = "retryable"
    #: Nobody knows: it timed out, crashed or was lost, and may have happened.
    UNKNOWN = "unknown"
    #: It may have happened, and no other attempt will do better: what it returned cannot be kept,
    #: or it was refused by somebody who may be refusing the work of a duplicate of this call.
    INDETERMINATE = "indeterminate"
    #: Asked for, its participant says that the step did not happen and never will.
    NOT_HAPPENED = "not_happened"
    #: A compensation has begun that ends by itself: a child saga is rolling back.
    IN_PROGRESS = "in_progress"


#: After these there is no other attempt.
FINAL = frozenset({Result.PERMANENT, Result.INDETERMINATE, Result.NOT_HAPPENED})

#: After these the effect may be there, and is made good even if a later attempt fails cleanly.
MAYBE_APPLIED = frozenset({Result.UNKNOWN, Result.INDETERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """One attempt of a step's action ended."""

    phase: Phase
    step: int
    attempt: int
    result: Result
    output: str | None = None
    error: str = ""
    #: The action's own wish for when to try again; otherwise its policy says.
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotBegun:
    """A dispatch is about to run a pivot: before this is committed, it has not."""

    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """The time of a step that waits is up, or that part of it which one task can wait."""

    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDue:
    """It is the turn of a part that did not fit into the commit before."""

    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopObserved:
    """The awaited delivery of a step came round, but the saga is to be rolled back: it did not run.

    Another dispatch of the same task may be running the step at that very moment.
    """

    step: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """The child saga of a step has ended."""

    step: int
    child: str
    status: SagaStatus
    output: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The time of outstanding deliveries is up: the queue has lost them.

    `at_once`: the news of its end is wanted now, by a parent that could not hear it before.
    """

    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The sweep has looked at a saga that waits, and at what it waits for.

    `ended` are children that have ended and been heard, though the saga still waits for them;
    `missing` are those that there are not. `unreported` says that it has no dead letter.
    """

    ended: tuple[ChildEnded, ...] = ()
    missing: tuple[str, ...] = ()
    unreported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """Somebody sent the signal that a step waits for, or will: its payload, as JSON."""

    step: str
    payload: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What somebody wants of a saga, who, and why.

    `id` names this very request: a saga that remembers it does nothing a second time. `sequence`
    is that of the saga as it was seen, and `incident` that of the failure, if only that is meant.
    """

    actor: str
    reason: str
    id: str = ""
    sequence: int | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BareRequest(Requested):
    """One that can be carried out though the saga's definition is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Requested):
    """The saga is to be rolled back, after the steps in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertRequested(Requested):
    """The saga's parent is rolled back, and so the saga is, even if it was completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested(BareRequest):
    """Nothing new is to begin until the saga is resumed.

    `parent_pause` is the parent's `pause_number`, where the saga is to follow its parent.
    """

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(BareRequest):
    """A paused saga is to go on; `parent_pause` as for a pause."""

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(Requested):
    """What has failed is to be tried again, with all of its attempts; a parked saga goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRequested(Requested):
    """A failed step, or compensation, is to be taken as done. `output` is JSON."""

    step: str
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequested(Requested):
    """A failed step has not happened, somebody has found out: it is no longer uncertain."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkRequested(BareRequest):
    """A saga is to be given up to an operator, whatever it does or waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequested(BareRequest):
    """A parked saga was brought to its end by hand: to COMPLETED or to ROLLED_BACK."""

    outcome: SagaStatus


Asked = (
    CancelRequested | RevertRequested | PauseRequested | ResumeRequested | RetryRequested
    | SkipRequested | VoidRequested | ParkRequested | ResolveRequested
)  # fmt: skip

Input = (
    AttemptEnded
    | PivotBegun
    | StartDue
    | TimerFired
    | StopObserved
    | ChildEnded
    | Overdue
    | Looked
    | SignalReceived
    | Asked
)
