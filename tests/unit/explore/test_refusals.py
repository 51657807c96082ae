"""Every fault at every point where commits are refused, and where steps are postponed."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from lib.datastore import Store, key
from lib.errors import Invalid
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.start import next_steps
from lib.saga.machine.start.plan import postpone_step
from lib.saga.state.limits import MAX_RECORD
from lib.saga.state.records import SagaRecord, StepStatus
from lib.saga.testing import explore
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import Script, add_seats, make_saga, seat, seats_fit


def run(saga: Saga, seats: int, **options: Any) -> int:
    return explore(saga, {}, seats_fit(seats), prepare=add_seats, **options).schedules


def refuse(dislikes: Callable[[Decision], bool]) -> Callable[..., Engine]:
    """Return a maker of engines whose store refuses some commits for their content."""

    class PickyJournal(SagaRepository):
        def save(self, decision: Decision) -> SagaRecord:
            if dislikes(decision):
                raise Invalid("it is not liked")
            return super().save(decision)

    def make(definitions: Any, repository: SagaRepository, *collaborators: Any) -> Engine:
        return Engine(definitions, PickyJournal(repository.store), *collaborators)

    return make


def completes(name: str) -> Callable[[Decision], bool]:
    return lambda decision: any(
        step.name == name and step.status is StepStatus.COMPLETED for step in decision.steps
    )


def family(script: Script) -> Saga:
    """Return a saga with a group of children before a step."""
    parts: list[Element] = []
    for name in "xy":
        kid = Saga(f"kid-{name}", payload=dict, steps=(seat(name, script),))
        parts.append(Child[Any, Any](f"c{name}", saga=kid, payload=lambda payload, _: payload))
    return Saga("seats", payload=dict, steps=(Parallel(*parts), seat("d", script)))


def test_an_outcome_that_cannot_be_stored_is_compensated_and_never_lost() -> None:
    saga = make_saga("abc")
    assert run(saga, 3, make_engine=refuse(completes("b")), may_park=False) > 100


def test_a_pivot_whose_outcome_cannot_be_stored_parks_under_every_fault() -> None:
    saga = make_saga("ab", pivot="b")
    assert run(saga, 2, make_engine=refuse(completes("b"))) > 50


def test_a_saga_whose_child_cannot_be_stored_is_compensated() -> None:
    refused = refuse(lambda decision: bool(decision.children))
    kid = Saga("kid", payload=dict, steps=(seat("x"),))
    child = Child("c", saga=kid, payload=lambda payload, _: payload)
    saga = Saga("seats", payload=dict, steps=(seat("a"), child))
    assert run(saga, 0, make_engine=refused, may_park=False) > 30


LONG = pytest.mark.skipif("LONG" not in os.environ, reason="half a minute: LONG=1")


@pytest.mark.parametrize("script", [{"y": NO}, pytest.param({"d": NO}, marks=LONG)])
def test_postponed_steps_begin_once_or_never(
    monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    monkeypatch.setattr(next_steps, "MAX_NEW_BYTES", MAX_RECORD + 10)
    postponed: list[int] = []

    def note(definition: Saga, draft: Draft, index: int) -> None:
        postponed.append(index)
        postpone_step(definition, draft, index)

    monkeypatch.setattr(next_steps, "postpone_step", note)
    assert run(family(script), 3, operators="d" in script, may_park=False) > 50
    assert 1 in postponed


def test_a_postponed_step_runs_under_every_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(next_steps, "MAX_NEW_BYTES", -1)

    def begins(store: Store) -> None:
        seats_fit(2)(store)
        assert "step_cannot_begin" not in store.get(key(SagaRecord, "explored")).error

    assert explore(make_saga("ab"), {}, begins, prepare=add_seats).schedules > 30
