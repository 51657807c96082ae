"""The decision while it is being made: copies of the records, and an event for every change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lib.saga.definition.saga import Saga
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.storable import (
    tidy_event,
    tidy_letter,
    tidy_saga,
    tidy_step,
    tidy_text,
)
from lib.saga.machine.decision.weight import weigh_saga, weigh_step
from lib.saga.machine.outstanding import due_of, outstanding
from lib.saga.state.delivery import Delivery
from lib.saga.state.limits import MAX_TEXT
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import (
    FINISHED,
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
    are to be made sure of. `children` are sagas that begin with this commit. The dead letter is
    written where an operator is called, and deleted where that was dealt with: `unparked`.
    """

    saga: SagaRecord
    steps: tuple[StepRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()
    dead_letter: DeadLetter | None = None
    unparked: bool = False
    children: tuple["Decision", ...] = ()
    #: The child saga whose end is taken in by this, to be written with it.
    ended_child: SagaRecord | None = None
    #: When Datastore's TTL policies are to delete the saga's steps and events.
    expiry: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    #: How much of one commit it takes: see `MAX_WEIGHT`.
    weight: int = 0


class Draft:
    """A saga and its steps under change; the records that it was made from stay as they are."""

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
        #: The parts that are to begin once what has happened is recorded; None: nothing follows.
        self.to_begin: Sequence[int] | None = None
        #: The first decisions of sagas that begin with this one.
        self.children: list[Decision] = []
        self._is_new = is_new
        self._before = tuple(steps)
        self._had_letter = _has_letter(saga)
        self._events: list[EventRecord] = []
        self._dead_letter: DeadLetter | None = None

    @property
    def has_events(self) -> bool:
        """Whether anything has changed."""
        return bool(self._events)

    def move_saga(
        self, status: SagaStatus, cause: str, *, actor: str = "", error: str = ""
    ) -> None:
        """Put the saga into a state."""
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
        **changes: Any,
    ) -> None:
        """Put a step into a state."""
        self._write(index, self.steps[index].status, status, cause, actor=actor, error=error)
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

    def park(self, step: int, cause: str, reason: str, *, actor: str = "") -> None:
        """Give the saga up to an operator: FAILED, with its dead letter."""
        parked_in = self.saga.status
        self._write(None, parked_in, SagaStatus.FAILED, cause, actor=actor, error=reason)
        self.saga.status, self.saga.parked_in = SagaStatus.FAILED, parked_in
        self._call_operator(step, reason)

    def report(self, step: int, cause: str, reason: str) -> None:
        """Call an operator with a dead letter, while other steps of the saga still move."""
        if not self.saga.incident:
            self.note(cause, error=reason)
            self._call_operator(step, reason)

    def _call_operator(self, step: int, reason: str) -> None:
        """Write the dead letter, unless the present incident has one: it is alerted once."""
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
        )

    def unpark(self, cause: str, actor: str, reason: str) -> None:
        """Put a parked saga back into the state that it was in."""
        before = self.saga.parked_in or SagaStatus.RUNNING
        self.close(before, cause, actor, reason)

    def close(self, status: SagaStatus, cause: str, actor: str, reason: str) -> None:
        """Put a parked saga into a state by hand."""
        self._write(None, self.saga.status, status, cause, actor=actor, error=reason)
        self.saga.status, self.saga.parked_in = status, None
        self.dismiss()
        if status in FINISHED:
            self.saga.paused = False

    def call_again(self) -> None:
        """Call the operator again, since the dead letter is gone though nobody has acted on it."""
        reason, self.saga.incident = self.saga.parked_because, 0
        self.report(self.saga.current_step, Cause.CALLED_AGAIN, reason)

    def dismiss(self) -> None:
        """Take an operator's call back: what has failed was dealt with."""
        self.saga.incident, self.saga.parked_because = 0, ""
        self._dead_letter = None

    @property
    def weight(self) -> int:
        """How much of one commit the decision takes so far."""
        own = weigh_saga(self.saga) + sum(map(weigh_step, self._changed)) + len(self._events)
        return own + sum(child.weight for child in self.children)

    @property
    def _changed(self) -> list[StepRecord]:
        pairs = zip(self._before, self.steps, strict=True)
        return [new for old, new in pairs if self._is_new or new is not old]

    def decide(self) -> Decision:
        """Return the whole as a decision.

        Every text in it is storable, and quotes nothing that the definition calls secret.
        """
        if self._events:
            self.saga.updated_at = self.now
        self._tidy_texts()
        deliveries = outstanding(self.saga, self.steps)
        if self._events:
            self.saga.due = due_of(self.saga, deliveries, self.now)
        begun = (delivery for child in self.children for delivery in child.deliveries)
        return Decision(
            saga=self.saga,
            steps=tuple(self._changed),
            events=tuple(self._events),
            dead_letter=self._dead_letter,
            unparked=self._had_letter and not _has_letter(self.saga),
            children=tuple(self.children),
            deliveries=(*deliveries, *begun),
            weight=self.weight,
        )

    def _tidy_texts(self) -> None:
        definition, letter = self._definition, self._dead_letter
        privacy = Privacy(definition, self.saga, self.steps) if definition else None

        def tidy(text: str) -> str:
            return tidy_text(text, privacy, MAX_TEXT) if text else text

        tidy_saga(self.saga, tidy)
        for step in self._changed:
            self.steps[step.index] = tidy_step(step, tidy)
        self._events = [tidy_event(event, tidy) for event in self._events]
        self._dead_letter = letter and tidy_letter(letter, tidy)

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
            attempt=0 if index is None else self.steps[index].attempt,
            cause=cause,
            actor=actor,
            error=error,
        )
        self._events.append(event)


def _has_letter(saga: SagaRecord) -> bool:
    return bool(saga.incident) or saga.status is SagaStatus.FAILED
