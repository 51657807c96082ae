"""Replays the audit trail: the result must be the state of the records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.texts import shorten_error
from lib.saga.state.records import (
    FINISHED,
    EventRecord,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)

LIFTS_PAUSE = frozenset({Cause.RESUMED, Cause.CANCEL_REQUESTED, Cause.PARENT_ROLLED_BACK})


class Broken(Exception):
    """An event does not follow from the events before it."""


@dataclass(slots=True, kw_only=True)
class State:
    """The state of a saga, and the status and error of each step by name."""

    status: str = SagaStatus.PENDING
    parked_in: str = ""
    paused: bool = False
    sequence: int = 0
    updated_at: datetime | None = None
    steps: dict[str, tuple[str, str]] = field(default_factory=dict)


def replay(events: Iterable[EventRecord], names: Iterable[str]) -> State:
    """Return the state after all events; raise Broken if one is missing or does not fit."""
    state = State(steps=dict.fromkeys(names, (StepStatus.PENDING, "")))
    for event in events:
        before = state.steps[event.step][0] if event.step else state.status
        if event.id != state.sequence + 1 or event.from_status != before:
            raise Broken(f"event {event.id} does not follow from the events before it")
        _apply(state, event)
    return state


def state_of(saga: SagaRecord, steps: Sequence[StepRecord]) -> State:
    """Return the state of the records."""
    return State(
        status=saga.status,
        parked_in=saga.parked_in or "",
        paused=saga.paused,
        sequence=saga.sequence,
        updated_at=saga.updated_at,
        steps={step.name: (step.status, step.error) for step in steps},
    )


def _apply(state: State, event: EventRecord) -> None:
    state.sequence, state.updated_at = event.id, event.at
    moves = event.from_status != event.to_status
    if event.step:
        error = _error_after(event, state.steps[event.step][1])
        state.steps[event.step] = (event.to_status, error)
    elif moves:
        parks = event.to_status == SagaStatus.FAILED
        state.status, state.parked_in = event.to_status, event.from_status if parks else ""
        state.paused = state.paused and event.to_status not in FINISHED
    if event.cause == Cause.PAUSED:
        state.paused = True
    elif event.cause in LIFTS_PAUSE:
        state.paused = False


def _error_after(event: EventRecord, before: str) -> str:
    """Return a step's error after an event: its last failure, while it is tried again."""
    if event.cause == Cause.RETRY_SCHEDULED:
        return shorten_error(event.error.partition(": ")[2])
    moves = event.from_status != event.to_status and event.cause != Cause.RETRIED_BY_OPERATOR
    return shorten_error(event.error) if moves or event.cause == Cause.STATUS_QUERIED else before
