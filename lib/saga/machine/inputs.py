"""The inputs of the machine: everything that can happen to a saga, as plain data."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET, UnsetType

from lib.saga.definition.phase import Phase
from lib.saga.state.records import SagaStatus


class ImpossibleInput(Exception):
    """An input that no delivery of the saga can cause: a bug, never a late delivery."""


class Result(StrEnum):
    """How one attempt of an action ended."""

    DONE = "done"
    #: It did not happen and never will.
    PERMANENT = "permanent"
    #: It did not happen, but may later.
    RETRYABLE = "retryable"
    #: It timed out, crashed or was lost: it may have happened.
    UNKNOWN = "unknown"
    #: It may have happened, and another attempt would not help: its result cannot be stored, or the
    #: participant refused it and may be refusing a duplicate of this call.
    INDETERMINATE = "indeterminate"
    #: The participant answered that the step did not happen and never will.
    NOT_HAPPENED = "not_happened"
    #: The compensation has begun and ends by itself: a child saga is rolling back.
    IN_PROGRESS = "in_progress"


#: Results after which there is no other attempt.
FINAL = frozenset({Result.PERMANENT, Result.INDETERMINATE, Result.NOT_HAPPENED})

#: Results after which the effect may exist: it is compensated even if a later attempt fails
#: permanently.
MAYBE_APPLIED = frozenset({Result.UNKNOWN, Result.INDETERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStep:
    """An input about one step of a saga, given by its index from 0."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(OfStep):
    """One attempt of a step's action, compensation or status query has ended."""

    phase: Phase
    attempt: int
    result: Result
    output: str | None = None
    error: str = ""
    #: The pause that the action asks for before a retry; if None, the retry policy decides.
    after: timedelta | None = None
    #: When the action began to run; None if it is not known.
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotBegun(OfStep):
    """A dispatch is about to run a pivot. The pivot does not run before this is committed."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(OfStep):
    """The wait of a step is over, or as much of it as one task can be scheduled ahead."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDue(OfStep):
    """A step that did not fit into the previous commit can begin now."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopObserved(OfStep):
    """A step's delivery arrived when the saga must roll back: this dispatch did not run the step.

    Another dispatch of the same task may be running it at this moment.
    """

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded(OfStep):
    """The child saga of a step has ended: it is COMPLETED or ROLLED_BACK."""

    child: str
    status: SagaStatus
    output: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Outstanding deliveries are overdue: the queue has lost them.

    With `at_once` the parent is also notified again of the saga's end, even if that is not overdue,
    because the parent could not accept it before.
    """

    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The sweep has looked at a waiting saga, and at what that saga waits for.

    `sequence` is that of the saga when it was looked at; the findings hold for no other. `ended`
    are children that have ended and notified the saga, although it still waits for them; `missing`
    are children that do not exist. `unreported` says that the saga's dead letter does not exist.
    """

    sequence: int
    ended: tuple[ChildEnded, ...] = ()
    missing: tuple[str, ...] = ()
    unreported: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """A caller sent the signal that a step waits for, or will wait for; the payload is JSON."""

    step: str
    payload: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A request to a saga: who makes it, and why.

    `id` identifies this request, so that the saga applies it only once. `sequence` is that of the
    saga when the operator saw it, `incident` the failure that the request is about; None means any.
    """

    actor: str
    reason: str
    id: str = ""
    sequence: int | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Requested):
    """Roll the saga back once in-flight steps have finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertRequested(Requested):
    """Roll a child saga back because its parent is rolled back, even if the child is COMPLETED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested(Requested):
    """Begin nothing new until the saga is resumed.

    `parent_pause` is the parent's `pause_number` when the saga follows its parent.
    """

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(Requested):
    """Let a paused saga continue; `parent_pause` as for a pause."""

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(Requested):
    """Retry the failed steps with a full count of attempts; a parked saga continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRequested(Requested):
    """Treat a failed step, or compensation, as done. `output` is JSON."""

    step: str
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequested(Requested):
    """Treat a failed step as not executed: an operator has confirmed that it had no effect."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkRequested(Requested):
    """Park the saga for an operator, in any unfinished state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequested(Requested):
    """Close a parked saga that an operator has finished by hand: COMPLETED or ROLLED_BACK."""

    outcome: SagaStatus


#: Requests that need no definition of the saga.
RecordRequest = PauseRequested | ResumeRequested | ParkRequested | ResolveRequested

#: The requests of operators: a saga remembers each one and applies it once.
OperatorInput = RecordRequest | CancelRequested | RetryRequested | SkipRequested | VoidRequested

SagaRequest = OperatorInput | RevertRequested

StepInput = AttemptEnded | PivotBegun | StartDue | TimerFired | StopObserved | ChildEnded

Input = StepInput | Overdue | Looked | SignalReceived | SagaRequest
