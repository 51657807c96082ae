"""The machine's result for the engine: the records to commit, and the deliveries to enqueue."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga_checks.sizes import STEP_SIZE
from lib.saga.state.delivery import Delivery
from lib.saga.state.limits import MAX_RECORD
from lib.saga.state.records import DeadLetter, EventRecord, SagaRecord, StepRecord
from lib.saga.state.text import size_of


class NoChange(StrEnum):
    """Why an input changes nothing."""

    #: The saga no longer waits for it, or never waited for it.
    STALE = "stale"
    #: The saga is in the requested state already, or remembers the request.
    ALREADY_APPLIED = "already_applied"
    #: Nothing is overdue, and the look found nothing that the saga had missed.
    NOTHING_DUE = "nothing_due"


class SilentDecision(Exception):
    """The machine changed nothing and gave no reason: a bug in the machine."""


class StepChanges(TypedDict, total=False):
    """The fields of a step that a decision may change besides its status."""

    awaits: Phase | None
    attempt: int
    first_attempt: int
    epoch: int
    unbegun: bool
    inline: bool
    maybe_applied: bool
    scheduled_at: datetime | None
    timeout_seconds: float
    waits_until: datetime | None
    waits_for_signal: bool
    signal: str | None
    child: str
    input: str | None
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The changes to commit in one transaction, and the deliveries to enqueue afterwards.

    `saga` has all its steps; `steps` are those that change. Without `events` there is nothing to
    commit: `no_change` says why, and only the deliveries need to be enqueued again. `children` are
    sagas that begin with this commit. `dead_letter` is written when an operator is needed;
    `unparked` says that it is deleted, because the failure is resolved.
    """

    saga: SagaRecord
    steps: tuple[StepRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()
    no_change: NoChange | None = None
    dead_letter: DeadLetter | None = None
    unparked: bool = False
    children: tuple["Decision", ...] = ()
    #: The child saga whose end this decision records; it is written in the same commit.
    ended_child: SagaRecord | None = None
    deliveries: tuple[Delivery, ...] = ()
    #: The delivery that needs no task: the invocation that commits this runs it next.
    onward: Delivery | None = None

    @property
    def new_bytes(self) -> int:
        """An upper bound of the bytes of new child sagas in this decision's commit."""
        return sum(size_of_new_saga(child) for child in self.children)


def size_of_new_saga(first: Decision) -> int:
    """Return an upper bound of a new saga's bytes in the commit that creates it."""
    size = max(MAX_RECORD, STEP_SIZE * 2 * first.saga.total_steps)
    return size + size_of(first.saga.payload) + first.new_bytes
