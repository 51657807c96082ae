"""What a revert, a resume and a resolve do in rare states."""

from dataclasses import replace
from typing import Any

import pytest

from lib.errors import Conflict
from lib.saga.definition.saga import Saga
from lib.saga.machine.causes import Cause
from lib.saga.machine.inputs import (
    ParkRequested,
    ResolveRequested,
    ResumeRequested,
    RevertRequested,
)
from lib.saga.state.records import SagaStatus, StepStatus
from tests.unit.saga.machine.build import Played, step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "the provider was down"}
PIVOT = Saga(
    "pivot", payload=dict, steps=(step("a", undo=False, pivot=True), step("b", undo=False))
)


def play_child(definition: Saga | None = None) -> Played:
    played = Played() if definition is None else Played(definition)
    played.saga = replace(played.saga, parent_id="parent")
    return played


def test_a_child_with_a_pivot_is_not_rolled_back_with_its_parent() -> None:
    played = play_child(PIVOT)
    with pytest.raises(Conflict, match="has a pivot and cannot be rolled back"):
        played.happens(RevertRequested(**WHO))


def test_a_child_parked_while_going_forward_rolls_back_once_retried() -> None:
    played = play_child()
    played.happens(ParkRequested(**WHO))
    played.happens(RevertRequested(**WHO))
    assert played.saga.status is SagaStatus.FAILED
    assert played.saga.stopping == Cause.PARENT_ROLLED_BACK


def test_a_finished_saga_marked_as_paused_is_not_resumed() -> None:
    played = Played()
    while played.deliveries:
        played.ends()
    assert played.saga.status is SagaStatus.COMPLETED
    played.saga = replace(played.saga, paused=True)
    with pytest.raises(Conflict, match="not paused"):
        played.happens(ResumeRequested(**WHO))


def test_a_step_in_flight_may_have_been_applied_when_its_saga_is_resolved() -> None:
    played = Played()
    played.happens(ParkRequested(**WHO))
    played.happens(ResolveRequested(**WHO, outcome=SagaStatus.COMPLETED))
    first = played.steps[0]
    assert (first.status, first.maybe_applied) == (StepStatus.CANCELLED, True)
