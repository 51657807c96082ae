"""What an exploration reports when it finds something."""

import pytest

from lib.datastore import Store
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.testing import explore
from tests.unit.explore.seats import add_seats, make_saga
from tests.unit.saga.machine.build import act

ONCE = RetryPolicy(attempts=1)


def refuse(_: object, __: StepContext) -> None:
    raise Permanent("no")


def test_a_violation_is_reported_with_its_schedule_and_events() -> None:
    calls = []

    def breaks_the_second_time(store: Store) -> bool:
        calls.append(store)
        return len(calls) < 2

    with pytest.raises(AssertionError) as found:
        explore(make_saga("ab"), {}, breaks_the_second_time, prepare=add_seats)
    assert str(found.value).splitlines() == [
        "the invariant does not hold for a saga that is COMPLETED",
        "The schedule that shows it: crash before the commit of the start.",
        "What happened:",
        "     0.001 s    here: crash before the commit of the start",
        "     0.001 s  the start: killed",
        "     1.003 s  the start: started",
        "     1.009 s  delivery execute/1/1: done",
        "     1.014 s  delivery execute/2/1: done",
    ]


def test_an_exploration_of_the_same_saga_is_the_same() -> None:
    tales = []
    for _ in range(2):
        with pytest.raises(AssertionError) as found:
            explore(make_saga("ab", {"b": SystemError("x")}), {}, lambda _: False)
        tales.append(str(found.value))
    assert tales[0] == tales[1]


def returns_code(*_: object) -> object:
    return lambda: None


def test_a_compensation_that_never_works_shows_in_the_final_statuses() -> None:
    steps = (
        Step("a", execute=act, compensate=returns_code, compensation_retry=ONCE),
        Step("b", execute=refuse),
    )
    ran = explore(Saga("s", dict, steps), {}, lambda _: True)
    assert ran.ended == {"FAILED": ran.schedules}
    assert str(ran).startswith(f"{ran.schedules} schedules, the saga in the end: FAILED ")
    with pytest.raises(AssertionError, match="the saga is parked, which may_park=False rules out"):
        explore(Saga("s", dict, steps), {}, lambda _: True, may_park=False)
