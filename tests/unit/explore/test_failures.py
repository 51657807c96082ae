"""Every fault at every point of small sagas, whatever their steps do."""

import pytest

from lib.saga.call import Permanent, Retry
from lib.saga.testing import explore
from tests.unit.explore.seats import Script, add_seats, make_saga, seats_fit_the_end

NO = Permanent("no")
LATER = Retry("later")
CRASHED = RuntimeError("crashed")

#: What the steps do.
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


@pytest.mark.parametrize("what", SCRIPTS)
def test_whatever_fails_every_promise_holds(what: str) -> None:
    saga = make_saga("abc", SCRIPTS[what])
    ran = explore(saga, {}, seats_fit_the_end, prepare=add_seats)
    assert ran.schedules > 50


#: With a pivot in the middle, and an operator's cancel at every point.
PIVOTS: dict[str, Script] = {
    "nothing fails": {},
    "the pivot says no": {"b": NO},
    "the pivot crashes after its effect": {"late b/1": CRASHED},
    "the pivot crashes, then says no": {"late b/1": CRASHED, "b/2": NO},
    "a step past the pivot never works": {"c": LATER},
}


@pytest.mark.parametrize("what", PIVOTS)
def test_past_the_pivot_there_is_no_way_back(what: str) -> None:
    saga = make_saga("abc", PIVOTS[what], pivot="b")
    ran = explore(saga, {}, seats_fit_the_end, prepare=add_seats, operators=True)
    assert ran.schedules > 50


@pytest.mark.slow
def test_a_short_saga_survives_every_pair_of_faults_and_an_operator() -> None:
    saga = make_saga("a")
    ran = explore(saga, {}, seats_fit_the_end, prepare=add_seats, operators=True)
    assert ran.schedules > 4000
