"""A run that outlasts the retention of its finished children keeps what it can still need."""

from datetime import timedelta
from typing import Any

from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Child, Timer
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.seats import add_seats, seat, seats_fit


def pass_on(payload: Any, _: Any) -> Any:
    return payload


def test_a_grandchild_is_rolled_back_a_hundred_days_after_its_end() -> None:
    """Purged with its effects after 90 days, its seat could never be given back."""
    inner = Saga("inner", payload=dict, steps=(seat("x"),))
    outer = Saga("outer", payload=dict, steps=(Child("i", saga=inner, payload=pass_on),))
    steps = (
        Child("o", saga=outer, payload=pass_on),
        Timer("nap", after=timedelta(days=100)),
        seat("b", {"b": Permanent("no")}),
    )
    saga = Saga("seats", payload=dict, steps=steps)
    explorer = Explorer(Setting(saga=saga, payload={}, prepare=add_seats), seats_fit(0))
    explorer.run_schedule({})
