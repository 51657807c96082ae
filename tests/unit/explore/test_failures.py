"""Every fault at every point of small sagas, whatever their steps do."""

import pytest

from lib.saga.testing import explore, random_schedules
from tests.unit.explore.answers import CRASHED, LATER, NO
from tests.unit.explore.length import LONG, choose
from tests.unit.explore.seats import (
    Script,
    add_seats,
    gives_reason_to_park,
    make_saga,
    seats_fit_the_end,
)

#: Scripts of the steps.
SCRIPTS: dict[str, Script] = {
    "nothing fails": {},
    "the first says no": {"a": NO},
    "the second says no": {"b": NO},
    "the third says no": {"c": NO},
    "the second works the second time": {"b/1": LATER},
    "the second never works": {"b": LATER},
    "the second crashes before its effect": {"b": CRASHED},
    "the second crashes after its effect": {"late b": CRASHED},
    "the second crashes after its effect, then says no": {"late b/1": CRASHED, "b/2": NO},
    "the second is refused the first time": {"refused b/1": NO},
    "a compensation works the second time": {"c": NO, "undo b/1": CRASHED},
    "a compensation crashes after its effect": {"c": NO, "late undo b/1": CRASHED},
    "a compensation never works": {"c": NO, "undo b": CRASHED},
}


QUICK_SCRIPTS = (
    "nothing fails",
    "the second says no",
    "the second crashes after its effect",
    "the second is refused the first time",
    "a compensation works the second time",
    "a compensation never works",
)


@pytest.mark.parametrize("what", choose(SCRIPTS, *QUICK_SCRIPTS))
def test_every_invariant_holds_whatever_fails(what: str) -> None:
    script = SCRIPTS[what]
    may_park = gives_reason_to_park(script)
    ran = explore(
        make_saga("abc", script), {}, seats_fit_the_end, prepare=add_seats, may_park=may_park
    )
    assert ran.schedules > 50


#: Scripts with a pivot in the middle, run with an operator's cancel at every point.
PIVOTS: dict[str, Script] = {
    "nothing fails": {},
    "the pivot says no": {"b": NO},
    "the pivot crashes after its effect": {"late b/1": CRASHED},
    "the pivot crashes, then says no": {"late b/1": CRASHED, "b/2": NO},
    "a step past the pivot never works": {"c": LATER},
}


QUICK_PIVOTS = ("nothing fails", "the pivot says no", "the pivot crashes after its effect")


@pytest.mark.parametrize("what", choose(PIVOTS, *QUICK_PIVOTS))
def test_after_the_pivot_there_is_no_rollback(what: str) -> None:
    saga = make_saga("abc", PIVOTS[what], pivot="b")
    ran = explore(
        saga,
        {},
        seats_fit_the_end,
        prepare=add_seats,
        operators=True,
        # A worker that finds a pivot begun but not ended cannot know its outcome: it parks.
        may_park=what != "nothing fails",
    )
    assert ran.schedules > 50


@pytest.mark.skipif(not LONG, reason="4,000 schedules are left to LONG=1")
def test_a_short_saga_survives_every_pair_of_faults_and_an_operator() -> None:
    saga = make_saga("a")
    ran = explore(saga, {}, seats_fit_the_end, prepare=add_seats, operators=True)
    assert ran.schedules > 4000


@pytest.mark.slow
def test_a_short_saga_survives_many_faults_and_an_operator() -> None:
    random_schedules(
        make_saga("a"), {}, seats_fit_the_end, 300, seed=1, prepare=add_seats, operators=True
    )
