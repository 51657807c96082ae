"""Groups, waits, deadlines and status queries in the machine."""

from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict, NotFound
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import DEFAULT_RETRY, PATIENT_RETRY, RetryPolicy
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.definition.steps import MAX_GROUP, Parallel, Signal, Step, Timer
from lib.saga.definition.table import Definitions
from lib.saga.machine.inputs import (
    CancelRequested,
    ChildEnded,
    Overdue,
    PauseRequested,
    Result,
    ResumeRequested,
    SignalReceived,
    StopObserved,
    TimerFired,
)
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import SagaStatus, due_mark
from lib.timing.time_marks import shard_of
from tests.unit.saga.machine.build import SECOND, T0, Played, act, outcome, step

MINUTE = timedelta(minutes=1)
CANCEL = CancelRequested(actor="op", reason="changed my mind")
LATER = timedelta(hours=1)


def play(*steps: Element | Parallel, **options: object) -> Played:
    return Played(Saga("x", payload=dict, steps=steps, **options))  # type: ignore[arg-type]


def due(played: Played) -> dict[int, Phase]:
    return {delivery.step: delivery.phase for delivery in played.deliveries}


def delivery_of(played: Played, index: int) -> Delivery:
    return next(each for each in played.deliveries if each.step == index)


# Declared


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "-a", "a" * 101, "a\n"])
def test_a_steps_name_is_valid_in_keys_and_ids(name: str) -> None:
    with pytest.raises(ValueError, match="a name has 1 to 100"):
        Step(name, execute=act)


def test_a_step_is_compensatable_pivot_or_retriable_by_its_place() -> None:
    pivot = step("b", undo=False, pivot=True)
    saga = Saga("x", payload=dict, steps=(step("a"), pivot, step("c", undo=False)))
    kinds = [StepKind.COMPENSATABLE, StepKind.PIVOT, StepKind.RETRIABLE]
    assert [saga.kind_of(index) for index in range(3)] == kinds


def test_after_the_pivot_a_step_has_the_retries_of_a_compensation() -> None:
    steps = (Step("a", execute=act), Step("b", execute=act, pivot=True), Step("c", execute=act))
    saga = Saga("x", payload=dict, steps=steps)
    assert [saga.retry_of(index) for index in range(3)] == [
        DEFAULT_RETRY,
        DEFAULT_RETRY,
        PATIENT_RETRY,
    ]


def test_a_group_has_no_pivot_and_a_bounded_number_of_members() -> None:
    with pytest.raises(ValueError, match="cannot be in a group"):
        Parallel(step("a"), step("b", undo=False, pivot=True))
    with pytest.raises(ValueError, match=f"1 to {MAX_GROUP}"):
        Parallel(*(step(f"s{n}") for n in range(MAX_GROUP + 1)))
    with pytest.raises(ValueError, match="1 to"):
        Parallel()


def test_a_child_with_a_pivot_is_refused_before_the_pivot() -> None:
    child = Saga("child", payload=dict, steps=(step("x", undo=False, pivot=True),))
    part = Child("c", saga=child, payload=lambda p, _: p)
    with pytest.raises(ValueError, match="has a pivot"):
        Saga("x", payload=dict, steps=(part, step("b")))
    Saga("x", payload=dict, steps=(Child("c", saga=child, payload=lambda p, _: p, pivot=True),))


def test_the_children_of_a_declared_saga_are_declared_with_it() -> None:
    child = Saga("child", payload=dict, steps=(step("x"),))
    saga = Saga("x", payload=dict, steps=(Child("c", saga=child, payload=lambda p, _: p),))
    assert Definitions([saga])["child", 1] is child


def test_groups_are_part_of_the_fingerprint() -> None:
    one_by_one = Saga("x", payload=dict, steps=(step("a"), step("b")))
    together = Saga("x", payload=dict, steps=(Parallel(step("a"), step("b")),))
    assert one_by_one.fingerprint != together.fingerprint


# Groups


def test_the_last_member_to_end_lets_the_next_step_begin() -> None:
    played = play(Parallel(step("a"), step("b")), step("c"))
    first, second = played.deliveries
    played.happens(outcome(second))
    assert due(played) == {0: Phase.EXECUTE}
    played.happens(outcome(first))
    assert due(played) == {2: Phase.EXECUTE}


def test_after_a_failed_member_those_in_flight_finish_before_the_rollback() -> None:
    played = play(step("z"), Parallel(step("a"), step("b"), step("c")))
    played.ends()
    a, b, c = played.deliveries
    played.happens(outcome(a))
    played.happens(outcome(b, Result.PERMANENT, error="no"))
    assert played.saga.status is SagaStatus.RUNNING
    played.happens(outcome(c))
    assert due(played) == {1: Phase.COMPENSATE, 3: Phase.COMPENSATE}
    for delivery in played.deliveries:
        played.happens(outcome(delivery))
    assert due(played) == {0: Phase.COMPENSATE}
    assert played.saga.error == "step b: no"


def test_a_member_with_a_distant_retry_is_cancelled_when_another_fails() -> None:
    played = play(Parallel(step("a"), step("b")))
    a, b = played.deliveries
    played.happens(outcome(a, Result.RETRYABLE, after=LATER))
    played.happens(outcome(b, Result.PERMANENT))
    assert played.statuses() == ["CANCELLED", "FAILED"]
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_member_that_has_not_begun_is_cancelled_when_another_fails() -> None:
    played = play(Parallel(step("a"), step("b")))
    a, b = played.deliveries
    played.happens(outcome(b, Result.PERMANENT))
    played.happens(StopObserved(step=a.step, attempt=a.attempt))
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_group_is_due_when_the_first_of_its_members_is() -> None:
    played = play(Parallel(step("a", timeout=MINUTE), step("b", timeout=SECOND)))
    assert played.saga.due == due_mark(shard_of("s1"), T0 + timedelta(seconds=1 + 10))


def test_after_the_pivot_members_continue_when_one_has_failed() -> None:
    pivot = step("p", undo=False, pivot=True)
    played = play(pivot, Parallel(step("a", undo=False), step("b", undo=False)))
    played.ends()
    a, b = played.deliveries
    played.happens(outcome(a, Result.PERMANENT, error="no"))
    assert due(played) == {2: Phase.EXECUTE}
    played.happens(outcome(b))
    assert played.saga.status is SagaStatus.FAILED
    assert played.saga.parked_because == "step a: no"


# Conditions


def test_a_step_whose_condition_is_false_is_skipped_and_never_compensated() -> None:
    never = step("b", when=lambda payload, _: payload["n"] > 1)
    played = Played(Saga("x", payload=dict, steps=(step("a"), never, step("c"))), '{"n":1}')
    played.ends(output="1")
    assert (played.statuses()[1], due(played)) == ("SKIPPED", {2: Phase.EXECUTE})
    played.ends(Result.PERMANENT)
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_saga_with_only_skipped_steps_completes_when_it_begins() -> None:
    played = play(step("a", when=lambda *_: False), step("b", when=lambda *_: False))
    assert played.saga.status is SagaStatus.COMPLETED


# Waits


def test_a_long_timer_is_split_into_waits_that_a_task_can_have() -> None:
    played = play(Timer("nap", after=timedelta(days=40)), step("b"))
    assert played.awaited.at == T0 + timedelta(days=29)
    played.now = played.awaited.at
    played.happens(TimerFired(step=0, attempt=1), after=SECOND)
    assert played.awaited.at == T0 + timedelta(days=40)
    played.now = played.awaited.at
    played.happens(TimerFired(step=0, attempt=2), after=SECOND)
    assert due(played) == {1: Phase.EXECUTE}


def test_a_signal_counts_once_and_only_while_it_is_expected() -> None:
    played = play(Signal("go"), step("b"))
    assert played.deliveries == ()
    played.happens(SignalReceived(step="go", payload="1"))
    assert due(played) == {1: Phase.EXECUTE}
    assert played.happens(SignalReceived(step="go", payload="1")).events == ()
    with pytest.raises(Conflict, match="another payload"):
        played.happens(SignalReceived(step="go", payload="2"))
    with pytest.raises(NotFound, match="has no signal 'b'"):
        played.happens(SignalReceived(step="b", payload="1"))


def test_a_signal_for_a_saga_that_rolls_back_is_too_late() -> None:
    played = play(step("a"), Signal("go"))
    played.ends(Result.PERMANENT)
    with pytest.raises(Conflict, match="no longer waits"):
        played.happens(SignalReceived(step="go", payload="1"))


def test_a_cancelled_saga_does_not_wait_for_its_signal() -> None:
    played = play(step("a"), Signal("go"))
    played.ends()
    played.happens(CANCEL)
    assert (played.statuses()[1], due(played)) == ("CANCELLED", {0: Phase.COMPENSATE})


def test_a_signal_pivot_that_times_out_rolls_back_after_a_pause() -> None:
    who: dict[str, Any] = {"actor": "op", "reason": "a look at it"}
    go = Signal("go", within=MINUTE, pivot=True)
    played = play(step("a"), go, step("b", undo=False))
    played.ends()
    played.happens(PauseRequested(**who))
    played.happens(ResumeRequested(**who))
    played.happens(Overdue(), after=LATER)
    played.happens(TimerFired(step=1, attempt=1))
    assert (played.statuses()[1], due(played)) == ("FAILED", {0: Phase.COMPENSATE})


# Deadlines


def test_after_the_deadline_no_step_begins() -> None:
    played = play(step("a"), step("b"), deadline=MINUTE)
    played.happens(outcome(played.awaited), after=MINUTE)
    assert due(played) == {0: Phase.COMPENSATE}
    assert played.saga.error == "deadline_passed"


def test_no_retry_is_scheduled_after_the_deadline() -> None:
    played = play(step("a"), deadline=MINUTE)
    played.ends(Result.RETRYABLE, after=2 * MINUTE)
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_wait_ends_at_the_deadline() -> None:
    played = play(step("a"), Signal("go"), deadline=MINUTE)
    played.ends()
    assert played.awaited.at == T0 + MINUTE
    played.happens(TimerFired(step=1, attempt=1), after=MINUTE)
    assert due(played) == {0: Phase.COMPENSATE}


def test_after_the_pivot_the_deadline_does_not_apply() -> None:
    pivot = step("p", undo=False, pivot=True)
    played = play(pivot, step("b", undo=False), step("c", undo=False), deadline=MINUTE)
    played.ends()
    played.happens(outcome(played.awaited, Result.RETRYABLE), after=2 * MINUTE)
    played.ends()
    played.ends()
    assert played.saga.status is SagaStatus.COMPLETED


# Status queries


def asked(*, pivot: bool = False) -> Played:
    once = RetryPolicy(attempts=1)
    b = step("b", status=act, retry=once, pivot=pivot, undo=not pivot)
    return play(step("a"), b, step("c", undo=not pivot))


def test_a_status_query_after_the_last_attempt_can_complete_the_step() -> None:
    played = asked()
    played.ends()
    played.ends(Result.UNKNOWN)
    assert due(played) == {1: Phase.STATUS}
    played.ends(output='"b"')
    assert (played.steps[1].output, due(played)) == ('"b"', {2: Phase.EXECUTE})


def test_a_step_whose_status_is_not_executed_is_not_compensated() -> None:
    played = asked()
    played.ends()
    played.ends(Result.UNKNOWN)
    played.ends(Result.NOT_HAPPENED, error="no such charge")
    assert due(played) == {0: Phase.COMPENSATE}
    assert not played.steps[1].maybe_applied


def test_a_step_with_an_unknown_status_is_compensated() -> None:
    played = asked()
    played.ends()
    played.ends(Result.UNKNOWN)
    played.ends(Result.UNKNOWN)
    assert due(played) == {1: Phase.COMPENSATE}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Result.DONE, SagaStatus.RUNNING),
        (Result.NOT_HAPPENED, SagaStatus.ROLLING_BACK),
        (Result.UNKNOWN, SagaStatus.FAILED),
    ],
)
def test_an_uncertain_pivot_is_settled_by_its_status(answer: Result, status: SagaStatus) -> None:
    played = asked(pivot=True)
    played.ends()
    played.ends(Result.UNKNOWN)
    played.ends(answer)
    assert played.saga.status is status


def test_a_late_success_counts_during_a_status_query() -> None:
    played = asked()
    played.ends()
    first = played.awaited
    played.ends(Result.UNKNOWN)
    played.happens(outcome(first, output='"b"'))
    assert due(played) == {2: Phase.EXECUTE}


# Child sagas


def family() -> Played:
    child = Saga("child", payload=dict, steps=(step("x"),))
    return play(Child[Any, Any]("c", saga=child, payload=lambda p, _: p), step("b"))


def test_a_child_begins_in_its_parents_decision_and_ends_its_step() -> None:
    played = family()
    [child] = played.children
    assert (child.id, child.parent_id, child.status) == ("s1:c", "s1", SagaStatus.PENDING)
    assert [each.saga_id for each in played.deliveries] == ["s1:c"]
    done = ChildEnded(step=0, child="s1:c", status=SagaStatus.COMPLETED, output="7")
    played.happens(done)
    assert (played.steps[0].output, due(played)) == ("7", {1: Phase.EXECUTE})
    assert played.happens(done).events == ()


def test_a_rolled_back_child_fails_its_step_without_an_effect() -> None:
    played = family()
    ended = ChildEnded(step=0, child="s1:c", status=SagaStatus.ROLLED_BACK, error="step x: no")
    played.happens(ended)
    assert played.saga.status is SagaStatus.ROLLED_BACK
    assert played.saga.error == "step c: step x: no"


def test_cancelling_a_parent_rolls_its_running_child_back() -> None:
    played = family()
    played.happens(CANCEL)
    assert due(played) == {0: Phase.COMPENSATE}
    played.ends(Result.IN_PROGRESS)
    assert (played.statuses()[0], played.deliveries) == ("WAITING", ())
    played.happens(ChildEnded(step=0, child="s1:c", status=SagaStatus.ROLLED_BACK))
    assert played.saga.status is SagaStatus.ROLLED_BACK


def test_the_end_of_a_different_child_is_stale() -> None:
    played = family()
    assert played.happens(ChildEnded(step=0, child="x:c", status=SagaStatus.COMPLETED)).events == ()
