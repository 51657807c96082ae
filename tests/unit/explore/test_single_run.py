"""`run` runs a saga once; a test moves its clock and reads the result."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import key
from lib.errors import Conflict, Invalid
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent, Retry, StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step, Timer
from lib.saga.state.records import SagaStatus, StepStatus
from lib.saga.testing import VirtualClock, run
from tests.unit.explore.seats import Seats, add_seats, make_saga, seat

DAY = timedelta(days=1)
WAITING = Saga(
    "waits",
    payload=dict,
    steps=(
        seat("a"),
        Timer("nap", after=2 * DAY),
        Signal("go", payload=int, within=7 * DAY),
        seat("b"),
    ),
)


def test_a_saga_runs_to_its_end_and_shows_its_outputs_events_and_store() -> None:
    made = run(make_saga("ab"), {}, prepare=add_seats)
    assert made.status is SagaStatus.COMPLETED
    assert made.outputs == {"a": "a", "b": "b"}
    assert made.store.get(key(Seats, "a")).taken == 1
    assert [event.cause for event in made.events][-1] == "all_steps_completed"
    assert made.error == ""


def test_retries_run_without_moving_the_clock() -> None:
    made = run(make_saga("ab", {"b/1": Retry("later")}), {}, prepare=add_seats)
    assert made.status is SagaStatus.COMPLETED


@pytest.mark.parametrize("name", ["b", "undo b"])
def test_the_end_of_a_retried_child_reaches_its_parent_in_the_same_run(
    name: str,
) -> None:
    fails = {"c": Permanent("no")} if name == "undo b" else {}
    child = make_saga("b", {f"{name}/1": Retry("later", after=DAY)})
    steps = (Child("child", saga=child, payload=lambda _, __: {}), seat("c", fails))
    made = run(Saga("parent", payload=dict, steps=steps), {}, prepare=add_seats)
    assert made.status is (SagaStatus.ROLLED_BACK if fails else SagaStatus.COMPLETED)


def refuse(problem: Exception) -> Callable[[Any, Any], bool]:
    def when(_: Any, __: Any) -> bool:
        raise problem

    return when


@pytest.mark.parametrize("where", ["a", "undo a", "when"])
def test_an_error_object_that_is_raised_repeatedly_keeps_no_stack(where: str) -> None:
    """It would keep every frame that it was ever raised through, with all their variables."""
    shared = Permanent("no") if where == "when" else RuntimeError("no")
    when: dict[str, Any] = {"when": refuse(shared)} if where == "when" else {}
    steps = (seat("a", {where: shared}), seat("b", {"b": Permanent("no")}, **when))
    for _ in range(3):
        run(Saga("seats", payload=dict, steps=steps), {}, prepare=add_seats)
        assert shared.__traceback__ is None


def test_a_saga_that_fails_says_why() -> None:
    made = run(make_saga("ab", {"b": Permanent("no")}), {}, prepare=add_seats)
    assert (made.status, made.error) == (SagaStatus.ROLLED_BACK, "step b: no")
    assert made.steps == {"a": StepStatus.COMPENSATED, "b": StepStatus.FAILED}


def test_a_wait_ends_only_when_the_clock_is_moved() -> None:
    made = run(WAITING, {}, prepare=add_seats)
    made.advance(2 * DAY - timedelta(seconds=1))
    assert made.steps["nap"] is StepStatus.WAITING
    made.advance(timedelta(seconds=1))
    assert made.steps["go"] is StepStatus.WAITING
    with pytest.raises(Invalid, match="payload must be a whole number"):
        made.signal("go", "yes")
    made.signal("go", 3)
    assert (made.status, made.outputs["go"]) == (SagaStatus.COMPLETED, 3)
    assert made.now - VirtualClock().now < 3 * DAY


def test_a_late_signal_rolls_the_saga_back() -> None:
    made = run(WAITING, {}, prepare=add_seats)
    made.advance(10 * DAY)
    assert made.status is SagaStatus.ROLLED_BACK
    with pytest.raises(Conflict, match="no longer waits"):
        made.signal("go", 3)


def test_a_saga_is_cancelled() -> None:
    made = run(WAITING, {}, prepare=add_seats)
    made.cancel()
    assert made.status is SagaStatus.ROLLED_BACK


def test_a_payload_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Invalid, match="payload must be an object"):
        run(make_saga("a"), [])


def test_each_attempt_has_a_fencing_token_of_its_own() -> None:
    tokens: list[int] = []

    def act(_: Any, call: StepContext) -> None:
        tokens.append(call.fencing_token)
        if len(tokens) == 1:
            raise Retry("later")

    run(Saga("x", payload=dict, steps=(Step("a", execute=act),)), {})
    assert tokens == [1, 2]
