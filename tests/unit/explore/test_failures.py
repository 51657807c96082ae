"""Every fault at every point of small sagas, whatever their steps do."""

import pytest

from lib.saga.call import Permanent, Retry
from lib.saga.testing import explore
from tests.unit.explore.seats import Script, add_seats, make_saga, seats_fit_the_end

NO = Permanent("no")
LATER = Retry("later")
CRASHED = RuntimeError("crashed")

#: What the steps do, and how many schedules there are then.
SCRIPTS: dict[str, tuple[Script, int]] = {
    "nothing fails": ({}, 186),
    "the first says no": ({"a": NO}, 49),
    "the second says no": ({"b": NO}, 169),
    "the third says no": ({"c": NO}, 289),
    "the second works the second time": ({"b/1": LATER}, 229),
    "the second never works": ({"b": LATER}, 272),
    "the second crashes before its effect": ({"b": CRASHED}, 272),
    "the second crashes after its effect": ({"late b": CRASHED}, 295),
    "the second crashes after its effect, then says no": ({"late b/1": CRASHED, "b/2": NO}, 288),
    "the second is refused the first time": ({"refused b/1": NO}, 185),
    "a compensation works the second time": ({"c": NO, "undo b/1": CRASHED}, 332),
    "a compensation crashes after its effect": ({"c": NO, "late undo b/1": CRASHED}, 340),
    "a compensation never works": ({"c": NO, "undo b": CRASHED}, 272),
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_whatever_fails_every_promise_holds(what: str) -> None:
    script, schedules = SCRIPTS[what]
    saga = make_saga("abc", script)
    assert explore(saga, {}, seats_fit_the_end, prepare=add_seats) == schedules


#: With a pivot in the middle, and an operator's cancel at every point.
PIVOTS: dict[str, tuple[Script, int]] = {
    "nothing fails": ({}, 237),
    "the pivot says no": ({"b": NO}, 216),
    "the pivot crashes after its effect": ({"late b/1": CRASHED}, 309),
    "the pivot crashes, then says no": ({"late b/1": CRASHED, "b/2": NO}, 410),
    "a step past the pivot never works": ({"c": LATER}, 420),
}


@pytest.mark.parametrize("what", PIVOTS)
def test_past_the_pivot_there_is_no_way_back(what: str) -> None:
    script, schedules = PIVOTS[what]
    saga = make_saga("abc", script, pivot="b")
    ran = explore(saga, {}, seats_fit_the_end, prepare=add_seats, operators=True)
    assert ran == schedules


@pytest.mark.slow
def test_a_short_saga_survives_every_pair_of_faults_and_an_operator() -> None:
    saga = make_saga("a")
    assert explore(saga, {}, seats_fit_the_end, prepare=add_seats, operators=True) == 4317
