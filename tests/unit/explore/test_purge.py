"""Retention deletes everything of finished sagas, and nothing that unfinished ones need."""

from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Timer
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep import purge
from lib.saga.testing import explore
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import add_seats, make_saga, seat, seats_fit


def pass_on(payload: Any, _: Any) -> Any:
    return payload


INNER = Saga("inner", payload=dict, steps=(seat("x"),))
FAILING = seat("b", {"b": NO})


def test_a_grandchild_is_rolled_back_a_hundred_days_after_its_end() -> None:
    """If its effects were purged after 90 days, its seat could never be given back."""
    outer = Saga("outer", payload=dict, steps=(Child("i", saga=INNER, payload=pass_on),))
    steps = (
        Child("o", saga=outer, payload=pass_on),
        Timer("nap", after=timedelta(days=100)),
        FAILING,
    )
    saga = Saga("seats", payload=dict, steps=steps)
    explorer = Explorer(Setting(saga=saga, payload={}, prepare=add_seats), seats_fit(0))
    explorer.run_schedule({})


SAGAS = {
    "nothing fails": make_saga("ab"),
    "it is rolled back": make_saga("ab", {"late b": RuntimeError("crashed")}),
    "it is parked": make_saga("ab", {"b": NO, "undo a": NO}),
    "a child of a child": Saga(
        "seats",
        payload=dict,
        steps=(
            Child(
                "o",
                saga=Saga("outer", payload=dict, steps=(Child("i", saga=INNER, payload=pass_on),)),
                payload=pass_on,
            ),
            seat("b", {"b": NO}),
        ),
    ),
    "a child of a parked saga": Saga(
        "seats",
        payload=dict,
        steps=(seat("a", {"undo a": NO}), Child("i", saga=INNER, payload=pass_on), FAILING),
    ),
}


@pytest.mark.parametrize("what", SAGAS)
def test_after_a_hundred_days_only_finished_sagas_are_deleted(
    what: str,
) -> None:
    explorer = Explorer(Setting(saga=SAGAS[what], payload={}, prepare=add_seats), lambda _: True)
    explorer.run_schedule({})
    [end] = explorer.purged
    statuses = {each[:2] for each in end if isinstance(each, tuple)}
    assert (("explored", "FAILED") in statuses) == ("parked" in what)


@pytest.mark.parametrize("what", [each for each in SAGAS if "parked" not in each])
def test_effects_that_retention_leaves_are_found(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """An effect that outlives its saga would be taken for one of the next saga with that id."""
    sound = SagaRepository.purge
    monkeypatch.setattr(SagaRepository, "purge", lambda self, saga, _: sound(self, saga, []))
    with pytest.raises(AssertionError, match=r"Effect .* of a finished saga is still there"):
        explore(SAGAS[what], {}, lambda _: True, prepare=add_seats)


def test_a_child_that_is_purged_before_its_parent_ends_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purge.Ancestry, "is_unfinished", lambda *_: False)
    with pytest.raises(AssertionError, match="of an unfinished saga is gone after 100 days"):
        explore(SAGAS["a child of a parked saga"], {}, lambda _: True, prepare=add_seats)
