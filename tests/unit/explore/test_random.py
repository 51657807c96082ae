"""Random sagas under many random faults at once: `SCHEDULES=` says how many runs.

Any of them may park: two faults use up the two attempts of a compensation.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.orders.saga import ORDER_PROCESSING
from lib.datastore import Store
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Chaining, Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.testing import HttpStandIn, random_schedules
from tests.unit.explore import test_http
from tests.unit.explore.answers import CRASHED, LATER, NO
from tests.unit.explore.generator import SagaGenerator, count_seats
from tests.unit.explore.seats import Script, add_seats, seat, seats_fit
from tests.unit.explore.test_orders import books_balance, make_order, open_shop


@dataclass(frozen=True, kw_only=True)
class Case:
    saga: Saga
    payload: Any = field(default_factory=dict)
    invariant: Callable[[Store], object]
    prepare: Callable[[Store], object] = add_seats
    signals: dict[str, Any] = field(default_factory=dict)
    http: HttpStandIn | None = None


def order(country: str = "US", cents: int = 5000) -> Case:
    return Case(
        saga=ORDER_PROCESSING,
        payload=make_order(country),
        invariant=books_balance,
        prepare=open_shop(cents),
    )


def shape(*steps: Any, seats: int, **signals: Any) -> Case:
    saga = Saga("seats", payload=dict, steps=steps)
    return Case(saga=saga, invariant=seats_fit(seats), signals=signals)


def group(script: Script) -> Case:
    members = (seat(name, script) for name in "bc")
    return shape(seat("a", script), Parallel(*members), seat("d", script), seats=4)


def pivot(script: Script) -> Case:
    steps = (seat("b", script, undo=False, pivot=True), seat("c", script, undo=False))
    return shape(seat("a", script), *steps, seats=3)


def child(script: Script) -> Case:
    inner = Saga("child", payload=dict, steps=(seat("x", script), seat("y", script)))
    step = Child("c", saga=inner, payload=lambda payload, _: payload)
    return shape(seat("a", script), step, seat("b", script), seats=4)


def http_calls() -> Case:
    bank = test_http.make_bank()
    saga = test_http.make_saga("a", "b")
    return Case(saga=saga, invariant=lambda store: test_http.books_balance(bank, store), http=bank)


def chained_inline(case: Case) -> Case:
    return replace(case, saga=replace(case.saga, chaining=Chaining.INLINE))


CASES: dict[str, Case] = {
    "HTTP calls": http_calls(),
    "a good order": order(),
    "an order without credit": order(cents=10),
    "an order that does not ship": order("ZZ"),
    "a group": group({"late b/1": CRASHED, "d": NO}),
    "a pivot": pivot({"late b/1": CRASHED, "c/1": LATER}),
    "a good order inline": chained_inline(order()),
    "an order that does not ship inline": chained_inline(order("ZZ")),
    "a pivot inline": chained_inline(pivot({"late b/1": CRASHED, "c/1": LATER})),
    "a child": child({"late y/1": CRASHED}),
    "a child that is rolled back with its parent": child({"b": NO}),
    "waits": shape(
        seat("a"),
        Parallel(Signal("go", within=timedelta(hours=1)), Timer("nap", after=timedelta(days=40))),
        seat("b", {"late b/1": CRASHED}),
        seats=2,
        go={"by": "ann"},
    ),
}

#: Half of the runs are of these cases, and half of random sagas: this many of each saga.
SCHEDULES = int(os.environ.get("SCHEDULES", "800")) // 2 // len(CASES)
OF_EACH = 25


@pytest.mark.slow
@pytest.mark.parametrize("what", CASES)
def test_every_invariant_holds_under_many_faults(what: str) -> None:
    case = CASES[what]
    ran = random_schedules(
        case.saga,
        case.payload,
        case.invariant,
        SCHEDULES,
        seed=4,
        prepare=case.prepare,
        operators=True,
        signals=case.signals,
        http=case.http,
    )
    assert ran.schedules == SCHEDULES


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(len(CASES)))
def test_every_invariant_holds_for_a_saga_of_any_shape(seed: int) -> None:
    for number in range(max(1, SCHEDULES // OF_EACH)):
        lots = SagaGenerator(f"{seed}/{number}")
        saga = lots.draw()
        random_schedules(
            saga,
            {},
            seats_fit(count_seats(saga)),
            OF_EACH,
            seed=number,
            prepare=add_seats,
            operators=True,
            signals=lots.signals,
        )
