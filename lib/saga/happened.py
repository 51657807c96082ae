"""What can happen to a saga: the inputs of the machine, as plain data."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from lib.saga.delivery import Phase


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
    DOUBTFUL = "doubtful"


#: After these there is no other attempt.
FINAL = frozenset({Result.PERMANENT, Result.DOUBTFUL})

#: After these the effect may be there, and is made good even if a later attempt fails cleanly.
UNCERTAIN = frozenset({Result.UNKNOWN, Result.DOUBTFUL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
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
class CancelRequested:
    """Somebody wants the saga undone."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class CancelReached:
    """The outstanding delivery of a saga to be cancelled came round, and has not run its step."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """The outstanding delivery's time is up: the queue has lost it."""


Happened = Outcome | CancelRequested | CancelReached | Overdue
