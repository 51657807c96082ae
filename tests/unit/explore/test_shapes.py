"""Every fault at every point of groups, child sagas, waits, branches and status queries."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.context import NotHappened
from lib.saga.definition.element import Element
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.testing import explore
from tests.unit.explore.answers import CRASHED, LATER, NO
from tests.unit.explore.length import LONG, choose
from tests.unit.explore.seats import (
    Script,
    add_seats,
    gives_reason_to_park,
    make_saga,
    seat,
    seats_fit,
)

MINUTE = timedelta(minutes=1)


def shape(*steps: Element | Parallel, **options: Any) -> Saga:
    return Saga("seats", payload=dict, steps=steps, **options)


def run(saga: Saga, seats: int, **options: Any) -> int:
    options = {"may_park": False, **options}
    report = explore(saga, {}, seats_fit(seats), prepare=add_seats, **options)
    return report.schedules


def group(script: Script, **options: Any) -> Saga:
    members = (seat("b", script), seat("c", script))
    return shape(seat("a", script), Parallel(*members), seat("d", script), **options)


GROUPS: dict[str, Script] = {
    "nothing fails": {},
    "a member says no": {"c": NO},
    "both members say no": {"b": NO, "c": NO},
    "a member crashes after its effect": {"late b": CRASHED},
    "a member works the second time": {"b/1": LATER},
    "what comes after the group says no": {"d": NO},
    "a member cannot be made good": {"d": NO, "undo b": CRASHED},
}


QUICK_GROUPS = ("a member says no", "a member crashes after its effect")


@pytest.mark.parametrize("what", choose(GROUPS, *QUICK_GROUPS))
def test_a_group_completes_or_is_compensated_as_a_whole(what: str) -> None:
    script = GROUPS[what]
    operators = LONG or what != "a member crashes after its effect"
    assert run(group(script), 4, operators=operators, may_park=gives_reason_to_park(script)) > 200


def test_a_group_whose_member_cannot_be_compensated_is_parked() -> None:
    script = GROUPS["a member cannot be made good"]
    assert run(group(script), 4, operators=LONG, may_park=True) > 200


def test_a_group_continues_with_other_compensations_if_declared() -> None:
    script = {"d": NO, "undo c": CRASHED}
    saga = group(script, on_compensation_failure=OnCompensationFailure.CONTINUE)
    assert run(saga, 4, may_park=True) > 200


def test_a_group_after_the_pivot_only_goes_forward() -> None:
    script = {"b/1": LATER, "late c/1": CRASHED}
    members = (seat("b", script, undo=False), seat("c", script, undo=False))
    saga = shape(seat("a", pivot=True, undo=False), Parallel(*members), seat("d", undo=False))
    assert run(saga, 4, operators=True) > 200


def family(script: Script, **options: Any) -> Saga:
    child = Saga("child", payload=dict, steps=(seat("x", script), seat("y", script)))
    step = Child("c", saga=child, payload=lambda payload, _: payload, **options)
    return shape(seat("a", script), step, seat("b", script))


FAMILIES: dict[str, Script] = {
    "nothing fails": {},
    "the child's first step says no": {"x": NO},
    "the child's second step says no": {"y": NO},
    "the child's step crashes after its effect": {"late y": CRASHED},
    "what comes after the child says no": {"b": NO},
    "the child cannot be made good": {"b": NO, "undo x": CRASHED},
}


#: A grandchild, and a child that cannot be compensated, show what a failure of "b" causes.
QUICK_FAMILIES = ("the child's second step says no",)


@pytest.mark.parametrize("what", choose(FAMILIES, *QUICK_FAMILIES))
def test_a_child_saga_shares_its_parents_fate(what: str) -> None:
    script = FAMILIES[what]
    may_park = gives_reason_to_park(script)
    assert run(family(script), 4, operators=True, may_park=may_park) > 200


def test_a_child_saga_that_cannot_be_compensated_is_parked() -> None:
    script = FAMILIES["the child cannot be made good"]
    assert run(family(script), 4, operators=LONG, may_park=True) > 150


def test_a_grandchild_saga_shares_its_parents_fate() -> None:
    script = {"b": NO}
    inner = Saga("inner", payload=dict, steps=(seat("x", script),))
    outer = Saga("outer", payload=dict, steps=(Child("i", saga=inner, payload=pass_on),))
    saga = shape(Child("o", saga=outer, payload=pass_on), seat("b", script))
    assert run(saga, 2) > 200


def pass_on(payload: Any, _: Any) -> Any:
    return payload


def test_a_child_saga_with_a_pivot_may_be_a_pivot() -> None:
    child = replace(make_saga("xy", {"late x/1": CRASHED}, pivot="x"), name="child")
    pivot = Child("c", saga=child, payload=pass_on, pivot=True)
    saga = shape(seat("a"), pivot, seat("b", undo=False))
    assert run(saga, 4, operators=LONG) > 150


def test_a_saga_waits_for_a_time() -> None:
    saga = shape(seat("a"), Timer("nap", after=timedelta(days=45)), seat("b", {"b": NO}))
    assert run(saga, 2, operators=True) > 100


def test_a_saga_accepts_its_signal_whenever_it_is_sent() -> None:
    saga = shape(seat("a"), Signal("go", within=10 * MINUTE), seat("b"))
    assert run(saga, 2, signals={"go": {"by": "ann"}}, operators=True) > 150


def test_a_saga_whose_signal_never_comes_is_rolled_back() -> None:
    saga = shape(seat("a"), Parallel(Signal("go", within=10 * MINUTE), seat("b")), seat("c"))
    assert run(saga, 3, signals={"go": 1}) > 100


def test_a_skipped_step_leaves_no_effect() -> None:
    never = seat("b", when=lambda _, outputs: outputs["a"] != "a")
    saga = shape(seat("a"), never, Parallel(seat("c"), never_too()), seat("d", {"d": NO}))
    assert run(saga, 3) > 150


def never_too() -> Element:
    return seat("e", when=lambda _, __: False)


ANSWERS: dict[str, tuple[Any, int]] = {
    "it happened": ("b", 3),
    "it never happened": (NotHappened("never heard of it"), 3),
    "it does not know": (CRASHED, 3),
}


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("pivot", [False, True])
def test_a_participant_is_queried_for_the_outcome_of_a_step(what: str, pivot: bool) -> None:
    answer, seats = ANSWERS[what]

    def status(_: Any, call: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    script = {"b": CRASHED} if isinstance(answer, NotHappened) else {"late b": CRASHED}
    step = seat("b", script, status=status, pivot=pivot, undo=not pivot)
    saga = shape(seat("a"), step, seat("c", undo=not pivot))
    operators = LONG and what != "it never happened"
    # A pivot with an unknown status needs an operator.
    assert run(saga, seats, operators=operators, may_park=pivot) > 80


def test_after_its_deadline_a_saga_begins_no_step_and_rolls_back() -> None:
    saga = shape(seat("a"), Signal("go"), seat("b"), deadline=MINUTE)
    assert run(saga, 2, signals={"go": 1}) > 50
    late = shape(seat("a"), seat("b", {"b": LATER}), seat("c"), deadline=timedelta(seconds=1))
    assert run(late, 0, operators=True) > 50
