"""The inputs of the machine: everything that can happen to a saga, as plain data."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from msgspec import UNSET, UnsetType

from lib.saga.definition.phase import Phase
from lib.saga.state.records import SagaStatus


class ImpossibleInput(Exception):
    """An input that no delivery of the saga can lead to: a defect, never a late delivery."""


class Result(StrEnum):
    """How one attempt of an action ended."""

    DONE = "done"
    #: It did not happen and never will.
    PERMANENT = "permanent"
    #: It did not happen, but may later.
    RETRYABLE = "retryable"
    #: It timed out, crashed or was lost, and may have happened.
    UNKNOWN = "unknown"
    #: It may have happened, and no other attempt will do better: what it returned cannot be kept,
    #: or a participant refused it that may be refusing a duplicate of this call.
    INDETERMINATE = "indeterminate"
    #: The participant was asked, and says that the step did not happen and never will.
    NOT_HAPPENED = "not_happened"
    #: A compensation has begun that ends by itself: a child saga is rolling back.
    IN_PROGRESS = "in_progress"


#: After these there is no other attempt.
FINAL = frozenset({Result.PERMANENT, Result.INDETERMINATE, Result.NOT_HAPPENED})

#: After these the effect may be there, and is compensated even if a later attempt fails cleanly.
MAYBE_APPLIED = frozenset({Result.UNKNOWN, Result.INDETERMINATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class OfStep:
    """What becomes known of one step of a saga, by the step's index from 0."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(OfStep):
    """One attempt of a step's action, compensation or status query has ended."""

    phase: Phase
    attempt: int
    result: Result
    output: str | None = None
    error: str = ""
    #: When the action itself asks to be tried again; without it the retry policy decides.
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotBegun(OfStep):
    """A dispatch is about to run a pivot. Before this is committed, the pivot has not run."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(OfStep):
    """The wait of a step is over, or as much of it as one task can be scheduled ahead."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDue(OfStep):
    """It is the turn of a step that did not fit into the commit before."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopObserved(OfStep):
    """A step's delivery arrived while the saga is to be rolled back: this dispatch did not run it.

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
    """Outstanding deliveries are past their time: the queue has lost them.

    With `at_once` the parent is notified again of the saga's end although that is not overdue: the
    parent could not accept it before.
    """

    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The sweep has looked at a waiting saga, and at what that saga waits for.

    `ended` are children that have ended and notified their parent, though the saga still waits for
    them; `missing` are children that do not exist. `unreported`: its dead letter does not exist.
    """

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
    """What is requested of a saga, by whom, and why.

    `id` names this one request: a saga that remembers it does nothing a second time. `sequence` is
    the version of the saga that was seen, `incident` the failure that is meant; None means any.
    """

    actor: str
    reason: str
    id: str = ""
    sequence: int | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Requested):
    """Roll the saga back once the steps in flight have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertRequested(Requested):
    """Roll a child saga back because its parent is rolled back, even if the child is COMPLETED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequested(Requested):
    """Begin nothing new until the saga is resumed.

    `parent_pause` is the parent's `pause_number` when the saga is to follow its parent.
    """

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequested(Requested):
    """Let a paused saga continue; `parent_pause` as for a pause."""

    parent_pause: int | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(Requested):
    """Try what has failed again, with a full count of attempts; a parked saga continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRequested(Requested):
    """Treat a failed step, or compensation, as done. `output` is JSON."""

    step: str
    output: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequested(Requested):
    """Treat a failed step as not executed: an operator has found out that it had no effect."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkRequested(Requested):
    """Park the saga for an operator, whatever it does or waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequested(Requested):
    """Close a parked saga that was brought to its end by hand: COMPLETED or ROLLED_BACK."""

    outcome: SagaStatus


#: Requests that can be carried out although the saga's definition is gone.
RecordRequest = PauseRequested | ResumeRequested | ParkRequested | ResolveRequested

#: What an operator asks for: a saga remembers it, and applies it once.
OperatorInput = RecordRequest | CancelRequested | RetryRequested | SkipRequested | VoidRequested

SagaRequest = OperatorInput | RevertRequested

StepInput = AttemptEnded | PivotBegun | StartDue | TimerFired | StopObserved | ChildEnded

Input = StepInput | Overdue | Looked | SignalReceived | SagaRequest
