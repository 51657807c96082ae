"""A step that cannot begin fails by itself; the outcome of the previous step is recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.decide import decide
from lib.saga.machine.inputs import SignalReceived
from tests.unit.saga.machine.build import THREE, Played, outcome, step


def declared(part: Element, **fields: Any) -> Element:
    """Declare what the checks refuse: the machine must handle it anyway."""
    for name, value in fields.items():
        object.__setattr__(part, name, value)
    return part


def exhaust(*_: Any) -> Any:
    return exhaust()


def leave(*_: Any) -> Any:
    raise SystemExit(1)


class Undecided:
    def __bool__(self) -> bool:
        raise TypeError("neither yes nor no")


def deep(*_: Any) -> Any:
    made: list[Any] = []
    for _each in range(100_000):
        made = [made]
    return made


ANYTHING = Saga("anything", payload=object, steps=(step("k"),))

UNFIT: list[tuple[Callable[[], Element], str]] = [
    (lambda: declared(Signal("x"), within=60), "TypeError: unsupported operand"),
    (lambda: declared(Signal("x"), within=timedelta.max), "OverflowError: date value out of"),
    (lambda: declared(Timer("x", after=timedelta(1)), after=timedelta.max), "OverflowError"),
    (lambda: declared(Timer("x", after=timedelta(1)), after=None), "TypeError"),
    (lambda: step("x", when=lambda *_: Undecided()), "TypeError: neither yes nor no"),
    (lambda: step("x", when=exhaust), "RecursionError"),
    (lambda: step("x", when=leave), "SystemExit: 1"),
    (lambda: Child("x", saga=ANYTHING, payload=exhaust), "RecursionError"),
    (lambda: Child("x", saga=ANYTHING, payload=deep), "not JSON"),
    (lambda: Child("x", saga=ANYTHING, payload=lambda *_: "\ud800"), "not JSON"),
    (lambda: Child("x", saga=ANYTHING, payload=lambda *_: object()), "not JSON"),
]


@pytest.mark.parametrize(("make", "said"), UNFIT)
def test_a_step_that_cannot_begin_does_not_fail_the_previous_one(
    make: Callable[[], Element], said: str
) -> None:
    played = Played(Saga("s", payload=dict, steps=(step("a"), make())))
    played.ends()
    assert played.statuses() == ["COMPLETED", "FAILED"]
    assert said in played.steps[1].error
    assert (played.saga.status, played.saga.current_step) == ("ROLLING_BACK", 0)
    assert "step x: " in played.saga.error
    played.ends()
    assert (played.saga.status, played.statuses()) == ("ROLLED_BACK", ["COMPENSATED", "FAILED"])


@pytest.mark.parametrize(("make", "said"), UNFIT)
def test_a_step_that_cannot_begin_after_the_pivot_parks_the_saga(
    make: Callable[[], Element], said: str
) -> None:
    part = make()
    if hasattr(part, "compensate"):
        object.__setattr__(part, "compensate", None)
    played = Played(Saga("s", payload=dict, steps=(step("pay", undo=False, pivot=True), part)))
    played.ends()
    assert played.statuses() == ["COMPLETED", "FAILED"]
    assert (played.saga.status, played.letters) == ("FAILED", 1)
    assert said in played.saga.parked_because


@pytest.mark.parametrize(("make", "said"), UNFIT)
def test_a_saga_whose_first_step_cannot_begin_starts_and_rolls_back(
    make: Callable[[], Element], said: str
) -> None:
    played = Played(Saga("s", payload=dict, steps=(make(),)))
    assert played.saga.status == "ROLLED_BACK"
    assert said in played.saga.error


def test_no_member_of_a_group_begins_if_one_cannot() -> None:
    bad = declared(Timer("x", after=timedelta(1)), after=timedelta.max)
    played = Played(Saga("s", payload=dict, steps=(step("a"), Parallel(step("b"), bad))))
    played.ends()
    assert played.statuses() == ["COMPLETED", "PENDING", "FAILED"]
    assert [each.step for each in played.deliveries] == [0]


def test_a_signal_counts_even_if_the_next_step_cannot_begin() -> None:
    bad = declared(Timer("x", after=timedelta(1)), after=timedelta.max)
    played = Played(Saga("s", payload=dict, steps=(Signal("go"), bad)))
    played.happens(SignalReceived(step="go", payload="1"))
    assert played.statuses() == ["COMPLETED", "FAILED"]


def test_hundreds_of_skipped_steps_do_not_recurse() -> None:
    skipped = [step(f"s{n}", when=lambda *_: False) for n in range(75)]
    played = Played(Saga("s", payload=dict, steps=(step("a"), *skipped)))
    while played.deliveries:
        if played.awaited.phase == "start":
            break
        played.ends()
    assert played.statuses()[1:] == ["SKIPPED"] * 75


def test_a_blocked_step_fails_with_the_reason_and_the_outcome_is_kept() -> None:
    played = Played()
    done = played.awaited
    blocked = decide(
        THREE, played.saga, played.steps, outcome(done), played.now, blocked="it is too much"
    )
    moved = {each.name: (str(each.status), each.error) for each in blocked.steps}
    assert moved["a"][0] == "COMPLETED"
    assert moved["b"] == ("FAILED", "it is too much")
