"""The decision while it is being made: copies of the records, and an event for every change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lib.saga.delivery import Delivery
from lib.saga.outstanding import due_mark_of, outstanding
from lib.saga.records import (
    DeadLetter,
    EventRecord,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be committed in one go, and then enqueued.

    Without `events` there is nothing to commit: what happened was stale, and only the deliveries
    are to be made sure of.
    """

    saga: SagaRecord
    steps: tuple[StepRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()
    dead_letter: DeadLetter | None = None
    deliveries: tuple[Delivery, ...] = ()


class Draft:
    """A saga and its steps under change; the records that it was made from stay as they are."""

    def __init__(self, saga: SagaRecord, steps: Sequence[StepRecord], now: datetime) -> None:
        self.now = now
        self.saga = replace(saga)
        self.steps = list(steps)
        self._before = tuple(steps)
        self._events: list[EventRecord] = []
        self._dead_letter: DeadLetter | None = None

    def move_saga(
        self, status: SagaStatus, cause: str, *, actor: str = "", error: str = ""
    ) -> None:
        """Put the saga into a state."""
        self._write(None, self.saga.status, status, cause, actor=actor, error=error)
        self.saga.status = status
        self.saga.error = error or self.saga.error

    def move_step(
        self, index: int, status: StepStatus, cause: str, *, error: str = "", **changes: Any
    ) -> None:
        """Put a step into a state."""
        self._write(index, self.steps[index].status, status, cause, error=error)
        self.change_step(index, status=status, error=error, **changes)

    def note(
        self, cause: str, *, step: int | None = None, actor: str = "", error: str = ""
    ) -> None:
        """Write an event that changes no state."""
        status = self.saga.status if step is None else self.steps[step].status
        self._write(step, status, status, cause, actor=actor, error=error)

    def change_step(self, index: int, **changes: Any) -> None:
        """Change fields of a step that are not its state."""
        self.steps[index] = replace(self.steps[index], updated_at=self.now, **changes)

    def park(self, step: int, cause: str, reason: str) -> None:
        """Give the saga up to an operator: FAILED, with its dead letter."""
        self.move_saga(SagaStatus.FAILED, cause, error=reason)
        self._dead_letter = DeadLetter(
            id=self.saga.id,
            name=self.saga.name,
            step=self.steps[step].name,
            reason=reason,
            created_at=self.now,
        )

    def decide(self) -> Decision:
        """Return the whole as a decision."""
        deliveries = outstanding(self.saga, self.steps)
        if self._events:
            self.saga.updated_at = self.now
            self.saga.due = due_mark_of(self.saga, deliveries)
        changed = (new for old, new in zip(self._before, self.steps, strict=True) if new is not old)
        return Decision(
            saga=self.saga,
            steps=tuple(changed),
            events=tuple(self._events),
            dead_letter=self._dead_letter,
            deliveries=deliveries,
        )

    def _write(
        self,
        index: int | None,
        before: str,
        after: str,
        cause: str,
        *,
        actor: str = "",
        error: str = "",
    ) -> None:
        self.saga.sequence += 1
        event = EventRecord(
            saga_id=self.saga.id,
            id=self.saga.sequence,
            at=self.now,
            step="" if index is None else self.steps[index].name,
            from_status=before,
            to_status=after,
            attempt=0 if index is None else self._attempt(index),
            cause=cause,
            actor=actor,
            error=error,
        )
        self._events.append(event)

    def _attempt(self, index: int) -> int:
        step = self.steps[index]
        rolling_back = self.saga.status is SagaStatus.ROLLING_BACK
        return step.compensation_attempt if rolling_back else step.attempt
