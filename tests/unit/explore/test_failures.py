"""Every fault at every point of a saga of three steps, whatever its steps do."""

import os

import pytest

from lib.saga.call import Permanent, Retry
from lib.saga.testing import explore, random_schedules
from tests.unit.explore.seats import Script, add_seats, make_saga, seats_fit_the_end

NO = Permanent("no")
LATER = Retry("later")
CRASHED = RuntimeError("crashed")

#: What the steps do, and how many schedules there are then.
SCRIPTS: dict[str, tuple[Script, int]] = {
    "nothing fails": ({}, 0),
    "the first says no": ({"a": NO}, 0),
    "the second says no": ({"b": NO}, 0),
    "the third says no": ({"c": NO}, 0),
    "the second works the second time": ({"b/1": LATER}, 0),
    "the second never works": ({"b": LATER}, 0),
    "the second crashes before its effect": ({"b": CRASHED}, 0),
    "the second crashes after its effect": ({"late b": CRASHED}, 0),
    "the second crashes after its effect, then says no": ({"late b/1": CRASHED, "b/2": NO}, 0),
    "a compensation works the second time": ({"c": NO, "undo b/1": CRASHED}, 0),
    "a compensation crashes after its effect": ({"c": NO, "late undo b/1": CRASHED}, 0),
    "a compensation never works": ({"c": NO, "undo b": CRASHED}, 0),
}


@pytest.mark.parametrize("what", SCRIPTS)
def test_whatever_fails_every_promise_holds(what: str) -> None:
    script, schedules = SCRIPTS[what]
    saga = make_saga("abc", script)
    assert explore(saga, {}, seats_fit_the_end, prepare=add_seats) == schedules
