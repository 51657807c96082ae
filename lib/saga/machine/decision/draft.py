"""A decision under construction: copies of the records, and an event for every change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from lib.saga.definition.saga import Saga
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import (
    Decision,
    NoChange,
    SilentDecision,
    StepChanges,
    size_of_new_saga,
)
from lib.saga.machine.decision.texts import (
    clean_event,
    clean_letter,
    clean_saga,
    clean_step,
    clean_text,
)
from lib.saga.machine.outstanding import due_of, outstanding, to_enqueue
from lib.saga.state.limits import MAX_TEXT
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import (
    ACTIVE,
    FINISHED,
    LOOK_PERIOD,
    PASS_ON_PERIOD,
    DeadLetter,
    EventRecord,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)
from lib.timing.time_marks import time_mark


class Draft:
    """Mutable copies of a saga and its steps; the original records do not change."""

    def __init__(
        self,
        saga: SagaRecord,
        steps: Sequence[StepRecord],
        now: datetime,
        definition: Saga | None = None,
        *,
        is_new: bool = False,
    ) -> None:
        self.now = now
        self._definition = definition
        self.saga = replace(saga)
        self.steps = list(steps)
        #: The steps to begin once the input is recorded; None if there are none.
        self.to_begin: Sequence[int] | None = None
        #: The first decisions of sagas that begin with this one.
        self.children: list[Decision] = []
        self._is_new = is_new
        self._before = tuple(steps)
        self._had_letter = _has_letter(saga)
        self._pause_number = saga.pause_number
        self._events: list[EventRecord] = []
        self._dead_letter: DeadLetter | None = None
        self._no_change: NoChange | None = None
        self._begun_step: int | None = None
        self._began_at: datetime | None = None

    @property
    def has_events(self) -> bool:
        """Whether anything has changed."""
        return bool(self._events)

    def ignore(self, why: NoChange) -> None:
        """Record why the input, or this part of it, changes nothing."""
        self._no_change = why

    def mark_running(self) -> None:
        """Set the saga to RUNNING once its first step has run."""
        if self.saga.status is SagaStatus.PENDING:
            self.move_saga(SagaStatus.RUNNING, Cause.FIRST_STEP_RAN)

    def move_saga(
        self, status: SagaStatus, cause: str, *, actor: str = "", error: str = ""
    ) -> None:
        """Change the saga's status, with an event."""
        self._write(None, self.saga.status, status, cause, actor=actor, error=error)
        self.saga.status = status
        self.saga.error = error or self.saga.error
        if status in FINISHED:
            self.saga.paused = False

    def move_step(
        self,
        index: int,
        status: StepStatus,
        cause: str,
        *,
        actor: str = "",
        error: str = "",
        **changes: Unpack[StepChanges],
    ) -> None:
        """Change a step's status, with an event; `changes` are other fields of the step."""
        self._write(index, self.steps[index].status, status, cause, actor=actor, error=error)
        self.steps[index] = replace(
            self.steps[index], status=status, error=error, updated_at=self.now, **changes
        )

    def note(
        self, cause: str, *, step: int | None = None, actor: str = "", error: str = ""
    ) -> None:
        """Write an event without a change of status."""
        status = self.saga.status if step is None else self.steps[step].status
        self._write(step, status, status, cause, actor=actor, error=error)

    def change_step(self, index: int, **changes: Unpack[StepChanges]) -> None:
        """Change fields of a step other than its status, without an event."""
        self.steps[index] = replace(self.steps[index], updated_at=self.now, **changes)

    def _note_standstill(self) -> None:
        """Note that the saga was only redelivered, or that it has moved.

        A finished child that a parked parent cannot accept is redelivered too: it does not stand.
        """
        saga = self.saga
        redelivered = all(event.cause == Cause.DELIVERY_OVERDUE for event in self._events)
        saga.stands = redelivered and saga.status in ACTIVE
        saga.stands_since = (saga.stands_since or self.now) if saga.stands else None

    def keep_error(self, index: int, error: str) -> None:
        """Keep the last failure of a step while it is tried again, or its status is queried."""
        self.steps[index] = replace(self.steps[index], error=error)

    def note_begin(self, index: int, at: datetime | None) -> None:
        """Note when the attempt of a step began whose end this decision records."""
        self._begun_step, self._began_at = index, at

    def park(self, step: int, cause: str, reason: str, *, actor: str = "") -> None:
        """Park the saga for an operator: FAILED, with a dead letter."""
        parked_in = self.saga.status
        self._write(None, parked_in, SagaStatus.FAILED, cause, actor=actor, error=reason)
        self.saga.status, self.saga.parked_in = SagaStatus.FAILED, parked_in
        self._write_letter(step, reason)

    def call_operator(self, step: int, cause: str, reason: str) -> None:
        """Write a dead letter while other steps still run, unless this incident has one."""
        if not self.saga.incident:
            self.note(cause, error=reason)
            self._write_letter(step, reason)

    def _write_letter(self, step: int, reason: str) -> None:
        """Write the dead letter, unless this incident has one: each incident causes one alert."""
        self.saga.parked_because = reason
        if self.saga.incident:
            return
        self.saga.incident = self.saga.sequence
        self._dead_letter = DeadLetter(
            id=self.saga.id,
            name=self.saga.name,
            step=self.steps[step].name,
            reason=reason,
            sequence=self.saga.sequence,
            created_at=self.now,
            created_mark=time_mark(self.saga.id, self.now),
        )

    def unpark(self, cause: str, actor: str, reason: str) -> None:
        """Return a parked saga to the status that it was parked in."""
        before = self.saga.parked_in or SagaStatus.RUNNING
        self.close(before, cause, actor, reason)

    def close(self, status: SagaStatus, cause: str, actor: str, reason: str) -> None:
        """Move a parked saga to a status, at an operator's request."""
        self._write(None, self.saga.status, status, cause, actor=actor, error=reason)
        self.saga.status, self.saga.parked_in = status, None
        self.dismiss()
        if status in FINISHED:
            self.saga.paused = False

    def rewrite_letter(self) -> None:
        """Write the dead letter again, because it is gone although the failure is not resolved."""
        if not _has_letter(self.saga):
            return
        reason, self.saga.incident = self.saga.parked_because, 0
        self.call_operator(self.saga.current_step, Cause.DEAD_LETTER_REWRITTEN, reason)

    def dismiss(self) -> None:
        """Delete the dead letter, because the failure is resolved."""
        self.saga.incident, self.saga.parked_because = 0, ""
        self._dead_letter = None

    @property
    def new_bytes(self) -> int:
        """An upper bound of the bytes of the child sagas that this draft creates so far."""
        return sum(map(size_of_new_saga, self.children))

    @property
    def _changed(self) -> list[StepRecord]:
        pairs = zip(self._before, self.steps, strict=True)
        return [new for old, new in pairs if self._is_new or new is not old]

    def decide(self) -> Decision:
        """Return the decision.

        Every text in it is storable and quotes nothing that the definition marks as secret. Raises
        SilentDecision if nothing has changed and no reason was given.
        """
        if not self._events and self._no_change is None:
            raise SilentDecision(f"saga {self.saga.id} in {self.saga.status}")
        self._clean_texts()
        if self._events:
            self.saga.updated_at = self.now
            self._note_standstill()
            self.saga.steps = self.steps
            if self.saga.status in FINISHED:
                self.saga.ended_mark = time_mark(self.saga.id, self.now)
        awaited = outstanding(self.saga, self.steps)
        if self._events:
            look_in = PASS_ON_PERIOD if self._is_to_be_passed_on else LOOK_PERIOD
            self.saga.due = due_of(self.saga, awaited, self.now, look_in=look_in)
        of_children = (delivery for child in self.children for delivery in child.deliveries)
        return Decision(
            saga=self.saga,
            steps=tuple(self._changed),
            events=tuple(self._events),
            no_change=None if self._events else self._no_change,
            dead_letter=self._dead_letter,
            unparked=self._had_letter and not _has_letter(self.saga),
            children=tuple(self.children),
            deliveries=(*to_enqueue(self.saga, self.steps), *of_children),
        )

    @property
    def _is_to_be_passed_on(self) -> bool:
        """Whether this decision pauses or resumes the saga, so that its children must follow."""
        waits = any(step.child and step.status is StepStatus.WAITING for step in self.steps)
        return waits and self.saga.pause_number != self._pause_number

    def _clean_texts(self) -> None:
        definition, letter = self._definition, self._dead_letter
        privacy = Privacy(definition, self.saga, self.steps) if definition else None

        def clean(text: str) -> str:
            return clean_text(text, privacy, MAX_TEXT) if text else text

        clean_saga(self.saga, clean)
        if self._is_new:
            self.saga.traceparent = clean(self.saga.traceparent)
        for step in self._changed:
            self.steps[step.index] = clean_step(step, clean)
        self._events = [clean_event(event, clean) for event in self._events]
        self._dead_letter = letter and clean_letter(letter, clean)

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
            id=self.saga.sequence,
            at=self.now,
            began_at=self._began_at if index is not None and index == self._begun_step else None,
            step="" if index is None else self.steps[index].name,
            from_status=before,
            to_status=after,
            attempt=0 if index is None else self.steps[index].attempt,
            cause=cause,
            actor=actor,
            error=error,
        )
        self._events.append(event)


def _has_letter(saga: SagaRecord) -> bool:
    return bool(saga.incident) or saga.status is SagaStatus.FAILED
