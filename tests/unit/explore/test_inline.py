"""Sagas that are chained inline keep every promise, begun by a caller or by a task."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lib.datastore import Store, key
from lib.saga.definition.context import StepContext
from lib.saga.definition.saga import Chaining, Saga
from lib.saga.definition.steps import Step
from lib.saga.engine.transitions import Transitions
from lib.saga.testing import explore, run
from tests.unit.explore.answers import CRASHED, LATER, NO
from tests.unit.explore.seats import (
    TWICE,
    Script,
    Seats,
    add_seats,
    gives_reason_to_park,
    make_saga,
    seats_fit_the_end,
)

#: Each fault of each saga takes a minute in total: `LONG=1` runs them all.
LONG = pytest.mark.skipif(not os.environ.get("LONG"), reason="it takes a minute: LONG=1")

SCRIPTS: dict[str, Script] = {
    "all is well": {},
    "the last step refuses": {"c": NO},
    "a step has its effect, and its answer is lost": {"late b/1": CRASHED},
    "a step refuses after a lost answer": {"late b/1": CRASHED, "b/2": NO},
    "a step wants to be tried later": {"b/1": LATER},
    "a compensation wants to be tried later": {"c": NO, "undo b/1": LATER},
}

BEGUN = pytest.mark.parametrize("by_task", [False, True], ids=["by a caller", "by a task"])


def chain_inline(saga: Saga, *, by_task: bool) -> Saga:
    """Return a saga that is chained inline; `by_task` means that a task runs its first step."""
    first, *others = saga.elements
    assert isinstance(first, Step)
    first = replace(first, own_task=by_task)
    return replace(saga, chaining=Chaining.INLINE, steps=(first, *others))


def check(saga: Saga, **options: Any) -> None:
    explore(saga, {}, seats_fit_the_end, prepare=add_seats, **{"pairs": False, **options})


@BEGUN
def test_a_crash_between_any_two_inline_steps_keeps_every_promise(*, by_task: bool) -> None:
    check(chain_inline(make_saga("abc"), by_task=by_task))


def test_a_crash_between_any_two_inline_compensations_keeps_every_promise() -> None:
    check(chain_inline(make_saga("ab", {"b": NO}), by_task=False))


def test_a_crash_round_an_inline_pivot_keeps_every_promise() -> None:
    check(chain_inline(make_saga("ab", pivot="b"), by_task=True))


@BEGUN
def test_a_single_run_runs_it_to_its_end(*, by_task: bool) -> None:
    saga = chain_inline(make_saga("abc"), by_task=by_task)
    assert run(saga, {}, prepare=add_seats).status == "COMPLETED"


@LONG
@BEGUN
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_promise_holds_under_every_fault(script: str, *, by_task: bool) -> None:
    saga = chain_inline(make_saga("abc", SCRIPTS[script]), by_task=by_task)
    check(saga, may_park=gives_reason_to_park(SCRIPTS[script]))


@LONG
@BEGUN
@pytest.mark.parametrize("script", [{}, {"b": NO}, {"late b/1": CRASHED}], ids=str)
def test_a_pivot_keeps_its_promises(script: Script, *, by_task: bool) -> None:
    check(chain_inline(make_saga("abc", script, pivot="b"), by_task=by_task))


@LONG
@BEGUN
def test_every_promise_holds_under_pairs_of_faults(*, by_task: bool) -> None:
    check(chain_inline(make_saga("ab"), by_task=by_task), pairs=True)


@LONG
def test_operators_may_come_between_any_two_inline_steps() -> None:
    check(chain_inline(make_saga("ab"), by_task=True), operators=True)


def find_fault(saga: Saga, invariant: Callable[[Store], object] = seats_fit_the_end) -> str:
    with pytest.raises(AssertionError) as found:
        explore(saga, {}, invariant, prepare=add_seats, pairs=False)
    return str(found.value)


def test_a_task_that_comes_again_and_leaves_the_inline_step_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Transitions, "ensure_all_enqueued", Transitions.ensure_enqueued)
    saga = chain_inline(make_saga("abc"), by_task=True)
    assert "the sweep was needed, although the queue lost nothing" in find_fault(saga)


def pay(_: Any, call: StepContext) -> None:
    """Take a seat each time: without the barrier, a second call pays twice."""
    seats = call.store.get(key(Seats, call.step))
    call.store.update(replace(seats, taken=seats.taken + 1), if_version=seats.version)


@pytest.mark.parametrize("chaining", Chaining)
def test_a_step_that_pays_twice_is_found_in_both_modes(chaining: Chaining) -> None:
    steps = Step("a", execute=pay, retry=TWICE), Step("b", execute=pay, retry=TWICE)
    saga = Saga("seats", payload=dict, steps=steps, chaining=chaining)
    assert "the invariant does not hold" in find_fault(saga)
