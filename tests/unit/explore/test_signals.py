"""Steps after a signal have every fault, and so has the wait for it."""

from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.context import StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step
from lib.saga.testing import explore
from tests.unit.explore.seats import add_seats, move, seat, seats_fit

WEEK = timedelta(days=7)


def take_without_barrier(_: Any, call: StepContext) -> None:
    call.store.transact(lambda tx: move(tx, call.step, +1))


def behind_a_signal(step: Step, **wait: Any) -> Saga:
    return Saga("seats", payload=dict, steps=(seat("a"), Signal("go", **wait), step))


@pytest.mark.parametrize("within", [None, WEEK])
def test_an_effect_that_happens_twice_after_a_signal_is_found(within: timedelta | None) -> None:
    pays_twice = Step("b", execute=take_without_barrier)
    with pytest.raises(AssertionError, match="the invariant does not hold"):
        explore(
            behind_a_signal(pays_twice, within=within),
            {},
            seats_fit(2),
            prepare=add_seats,
            signals={"go": {"by": "ann"}},
        )


def test_a_missing_timed_signal_is_a_fault() -> None:
    ran = explore(
        behind_a_signal(seat("b"), within=WEEK),
        {},
        seats_fit(2),
        prepare=add_seats,
        signals={"go": 1},
        may_park=False,
        require_coverage=True,
    )
    assert ran.coverage["go"]["no signal"] == 1
    assert ran.coverage["b"]["crash"] > 1


def test_a_saga_that_relies_on_its_signal_is_found() -> None:
    """Without the signal, the previous step's seat stays taken: it has no compensation."""
    steps = (seat("a", undo=False), Signal("go", within=WEEK), seat("b"))
    with pytest.raises(AssertionError, match="signal go never comes"):
        explore(
            Saga("seats", payload=dict, steps=steps),
            {},
            seats_fit(2),
            prepare=add_seats,
            signals={"go": 1},
        )


def test_a_signal_without_a_payload_is_refused() -> None:
    inner = Saga("inner", payload=dict, steps=(Signal("ok", payload=int), seat("x")))
    child = Child("c", saga=inner, payload=lambda payload, _: payload)
    saga = Saga("seats", payload=dict, steps=(seat("a"), child))
    for signals, words in (
        ({}, "waits for the signal 'ok': pass its payload"),
        ({"ok": "yes"}, "the payload of signal 'ok': "),
        ({"ok": 1, "no": 2}, "signals has 'no', but saga .* has no such signal: it waits for ok"),
    ):
        with pytest.raises(ValueError, match=words):
            explore(saga, {}, seats_fit(2), prepare=add_seats, signals=signals)
