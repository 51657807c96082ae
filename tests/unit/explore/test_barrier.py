"""Every fault at every point of steps with several effects, and with a status."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lib.datastore import Transaction, key
from lib.saga.barrier import Effect, EffectStatus, apply_once, settle_once, undo_once
from lib.saga.definition.context import NotHappened, Permanent, StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.testing import explore
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import TWICE, Seats, add_seats, give_back, move, seat, seats_fit, take


def take_two(_: Any, call: StepContext) -> None:
    for name in ("x", "y"):
        apply_once(call, partial(move, step=name, by=+1), name=name)


def give_two_back(_: Any, call: StepContext) -> None:
    for name in ("y", "x"):
        undo_once(call, partial(take_away, name), name=name)


def give_one_back(_: Any, call: StepContext) -> None:
    undo_once(call, partial(take_away, "y"), name="y")


def take_away(name: str, tx: Transaction, _: Any) -> None:
    move(tx, name, -1)


def two(compensate: Any) -> Saga:
    double = Step(
        "xy", execute=take_two, compensate=compensate, retry=TWICE, compensation_retry=TWICE
    )
    return Saga("seats", payload=dict, steps=(seat("a"), double, seat("b", {"b": NO})))


def test_several_effects_of_a_step_all_exist_or_are_all_undone() -> None:
    explore(two(give_two_back), {}, seats_fit(0), prepare=add_seats, may_park=False)


def test_one_of_two_effects_that_is_not_undone_is_found() -> None:
    with pytest.raises(AssertionError, match=r"is still there|the invariant does not hold"):
        explore(two(give_one_back), {}, seats_fit(0), prepare=add_seats)


def settle(_: Any, call: StepContext) -> str:
    return str(settle_once(call))


def look(_: Any, call: StepContext) -> str:
    """Answer without the barrier: nothing prevents the step from arriving later."""
    effect = call.store.find(key(Effect, call.idempotency_key))
    if effect is None or effect.status is not EffectStatus.DONE:
        raise NotHappened("never heard of it")
    return call.step


def never_answer(_: Any, __: StepContext) -> Any:
    raise TimeoutError("no answer")


def arrive_late(payload: Any, call: StepContext) -> None:
    """Give a seat back; only now the request of step b arrives at its participant."""
    late = replace(call, step="b", idempotency_key=f"{call.saga_id}/b", fencing_token=1)
    with suppress(Permanent):
        take({}, payload, late)
    give_back({}, payload, call)


def late(status: Any) -> Saga:
    """Return a saga whose step b runs long after its timeout."""
    b = Step(
        "b",
        execute=never_answer,
        compensate=partial(give_back, {}),
        status=status,
        retry=TWICE,
        compensation_retry=TWICE,
    )
    return Saga("seats", payload=dict, steps=(replace(seat("a"), compensate=arrive_late), b))


@pytest.mark.parametrize("status", [settle, look, None])
def test_a_step_that_arrives_after_its_status_query_has_no_effect(status: Any) -> None:
    explore(late(status), {}, seats_fit(0), prepare=add_seats, may_park=False)


def arrive_late_without_barrier(payload: Any, call: StepContext) -> None:
    call.store.transact(lambda tx: move(tx, "b", +1))
    give_back({}, payload, call)


def look_without_barrier(_: Any, call: StepContext) -> str:
    if not call.store.get(key(Seats, "b")).taken:
        raise NotHappened("there is no such seat")
    return "b"


def test_a_status_that_only_looks_is_found_to_miss_a_late_effect() -> None:
    a = replace(seat("a"), compensate=arrive_late_without_barrier)
    saga = replace(late(look_without_barrier), steps=(a, late(look_without_barrier).elements[1]))
    with pytest.raises(AssertionError, match="the invariant does not hold"):
        explore(saga, {}, seats_fit(0), prepare=add_seats)


def test_a_status_that_settles_its_answer_misses_no_effect() -> None:
    steps = (seat(name, {"late b": TimeoutError("no answer")}, status=settle) for name in "abc")
    explore(
        Saga("seats", payload=dict, steps=tuple(steps)),
        {},
        seats_fit(3),
        prepare=add_seats,
        may_park=False,
    )
