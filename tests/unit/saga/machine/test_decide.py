from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.machine.inputs import CancelRequested, Overdue, Result, StopObserved
from lib.saga.machine.outstanding import is_awaited
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import SagaStatus, due_mark
from lib.timing.time_marks import shard_of
from tests.unit.saga.machine.build import SECOND, T0, THREE, Played, outcome, step

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
CANCEL = CancelRequested(actor="op", reason="changed my mind")


def test_a_saga_begins_pending_and_awaits_its_first_step() -> None:
    played = Played()
    assert played.saga.status is SagaStatus.PENDING
    assert (played.awaited.phase, played.awaited.step, played.awaited.attempt) == ("execute", 0, 1)
    assert played.events == ["saga: saga_started"]


def test_steps_run_in_order_until_all_are_completed() -> None:
    played = Played()
    for index in range(3):
        assert played.awaited.step == index
        played.ends(output=f'"{index}"')
    assert played.saga.status is SagaStatus.COMPLETED
    assert played.statuses() == ["COMPLETED"] * 3
    assert [each.output for each in played.steps] == ['"0"', '"1"', '"2"']
    assert played.deliveries == ()
    assert played.saga.due is None


def test_a_permanent_failure_compensates_the_completed_steps_in_reverse_but_not_itself() -> None:
    played = Played()
    played.ends()
    played.ends()
    played.ends(Result.PERMANENT, error="no")
    compensated = []
    while played.deliveries:
        assert played.awaited.phase is Phase.COMPENSATE
        compensated.append(played.awaited.step)
        played.ends()
    assert compensated == [1, 0]
    assert played.saga.status is SagaStatus.ROLLED_BACK
    assert played.saga.error == "step c: no"
    assert played.statuses() == ["COMPENSATED", "COMPENSATED", "FAILED"]


def test_a_step_with_an_unknown_outcome_is_retried_and_then_compensated() -> None:
    played = Played()
    played.ends()
    played.ends(Result.UNKNOWN, error="timeout")
    assert (played.awaited.phase, played.awaited.step, played.awaited.attempt) == ("execute", 1, 2)
    played.ends(Result.UNKNOWN, error="timeout")
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 1)
    played.ends()
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)


def test_a_clean_failure_after_an_unknown_attempt_is_compensated_too() -> None:
    played = Played()
    played.ends(Result.UNKNOWN)
    played.ends(Result.PERMANENT)
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)


def test_a_step_out_of_attempts_is_compensated() -> None:
    played = Played()
    played.ends(Result.RETRYABLE)
    played.ends(Result.RETRYABLE)
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)
    played.ends()
    assert played.saga.status is SagaStatus.ROLLED_BACK
    assert played.statuses() == ["COMPENSATED", "PENDING", "PENDING"]


def test_a_pivot_out_of_attempts_is_parked() -> None:
    played = Played(PIVOT)
    played.ends()
    played.ends(Result.RETRYABLE)
    played.ends(Result.RETRYABLE)
    assert played.saga.status is SagaStatus.FAILED


def test_a_step_with_an_unstorable_output_is_compensated_not_retried() -> None:
    played = Played()
    played.ends(Result.INDETERMINATE, error="too large")
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)


def test_a_step_without_a_compensation_is_skipped_in_a_rollback() -> None:
    definition = Saga("x", payload=dict, steps=(step("a"), step("b", undo=False), step("c")))
    played = Played(definition)
    played.ends()
    played.ends()
    played.ends(Result.PERMANENT)
    assert played.awaited.step == 0
    played.ends()
    assert played.statuses() == ["COMPENSATED", "COMPLETED", "FAILED"]


def test_a_retry_waits_as_its_policy_says() -> None:
    policy = RetryPolicy(attempts=9, first=SECOND, factor=3, cap=timedelta(seconds=5))
    played = Played(Saga("x", payload=dict, steps=(step("a", retry=policy),)))
    longest = [1, 3, 5, 5, 5, 5, 5, 5]
    for seconds in longest:
        played.ends(Result.RETRYABLE)
        assert timedelta(0) <= played.awaited.at - played.now < timedelta(seconds=seconds)


def test_the_after_of_a_step_overrides_its_policy() -> None:
    played = Played()
    played.ends(Result.RETRYABLE, after=timedelta(minutes=7))
    assert played.awaited.at == played.now + timedelta(minutes=7)


def test_a_duplicate_outcome_changes_nothing_and_returns_the_outstanding_deliveries() -> None:
    played = Played()
    first = outcome(played.awaited)
    played.happens(first)
    before = (played.saga, tuple(played.steps), played.deliveries)
    decision = played.happens(first)
    assert decision.events == ()
    assert (played.saga, tuple(played.steps), played.deliveries) == before


def test_a_late_success_of_an_earlier_attempt_counts() -> None:
    played = Played()
    first = played.awaited
    played.ends(Result.UNKNOWN)
    played.happens(outcome(first))
    assert played.statuses()[0] == "COMPLETED"
    assert played.awaited.step == 1


def test_a_late_failure_of_an_earlier_attempt_is_ignored() -> None:
    played = Played()
    first = played.awaited
    played.ends(Result.UNKNOWN)
    assert played.happens(outcome(first, Result.PERMANENT)).events == ()


def test_a_late_success_of_an_earlier_compensation_attempt_counts() -> None:
    played = Played()
    played.ends()
    played.ends(Result.PERMANENT)
    first = played.awaited
    played.ends(Result.UNKNOWN)
    assert played.awaited.attempt == first.attempt + 1
    played.happens(outcome(first))
    assert played.statuses() == ["COMPENSATED", "FAILED", "PENDING"]
    assert played.saga.status is SagaStatus.ROLLED_BACK


def test_a_late_success_does_not_stop_the_compensation() -> None:
    played = Played()
    first = played.awaited
    played.ends(Result.UNKNOWN)
    played.ends(Result.UNKNOWN)
    assert played.happens(outcome(first)).events == ()
    assert played.awaited.phase is Phase.COMPENSATE


def test_a_failed_compensation_is_retried_and_parks_with_one_dead_letter() -> None:
    played = Played()
    played.ends()
    played.ends(Result.PERMANENT)
    for _ in range(3):
        assert played.letters == 0
        played.ends(Result.UNKNOWN, error="refund is down")
    assert played.saga.status is SagaStatus.FAILED
    assert played.saga.parked_because == "compensation of a: refund is down"
    assert played.statuses()[0] == "COMPENSATION_FAILED"
    assert played.letters == 1
    assert played.deliveries == ()


def test_an_overdue_saga_is_redelivered_with_a_new_task_name() -> None:
    played = Played()
    lost = played.awaited
    played.happens(Overdue(), after=timedelta(seconds=41))
    assert is_awaited(lost, played.deliveries)
    assert played.awaited.task_name != lost.task_name
    assert played.steps[0].maybe_applied


def test_a_saga_that_is_not_overdue_is_left_alone() -> None:
    played = Played()
    assert played.happens(Overdue(), after=timedelta(seconds=39)).events == ()
    assert played.steps[0].epoch == 0


def test_two_sweeps_redeliver_an_overdue_saga_once() -> None:
    played = Played()
    played.happens(Overdue(), after=timedelta(seconds=41))
    assert played.happens(Overdue()).events == ()
    assert played.steps[0].epoch == 1


def test_the_due_time_is_the_schedule_the_time_out_and_the_grace() -> None:
    played = Played()
    assert played.saga.due == due_mark(shard_of("s1"), T0 + timedelta(seconds=30 + 10))


def test_a_cancel_waits_for_the_step_in_flight_and_compensates_it() -> None:
    played = Played()
    played.ends()
    played.happens(CANCEL)
    assert played.awaited.step == 1
    assert played.awaited.phase is Phase.EXECUTE
    played.ends()
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 1)


def test_a_cancelled_saga_compensates_the_step_that_a_second_dispatch_may_be_running() -> None:
    played = Played()
    played.ends()
    played.happens(CANCEL)
    played.happens(StopObserved(step=1, attempt=played.awaited.attempt))
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 1)
    played.ends()
    played.ends()
    assert played.statuses() == ["COMPENSATED", "COMPENSATED", "PENDING"]


def test_a_cancel_does_not_wait_for_a_distant_retry() -> None:
    played = Played()
    played.ends()
    played.ends(Result.RETRYABLE, after=timedelta(hours=1))
    played.happens(CANCEL)
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 1)
    assert played.statuses()[1] == "CANCELLED"


def test_a_cancelled_saga_makes_no_new_attempt() -> None:
    played = Played()
    played.happens(CANCEL)
    played.ends(Result.RETRYABLE)
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)


def test_a_second_cancel_changes_nothing() -> None:
    played = Played()
    played.happens(CANCEL)
    assert played.happens(CANCEL).events == ()


def test_a_finished_saga_cannot_be_cancelled() -> None:
    played = Played()
    for _ in range(3):
        played.ends()
    with pytest.raises(Conflict, match="COMPLETED"):
        played.happens(CANCEL)


PIVOT = Saga(
    "pivot",
    payload=dict,
    steps=(step("a"), step("b", undo=False, pivot=True), step("c", undo=False)),
)


def test_before_the_pivot_completes_a_saga_rolls_back() -> None:
    played = Played(PIVOT)
    played.ends()
    played.ends(Result.PERMANENT)
    assert (played.awaited.phase, played.awaited.step) == ("compensate", 0)


def test_after_the_pivot_nothing_is_compensated_and_a_failure_parks() -> None:
    played = Played(PIVOT)
    played.ends()
    played.ends()
    played.ends(Result.PERMANENT, error="no")
    assert played.saga.status is SagaStatus.FAILED
    assert played.letters == 1
    with pytest.raises(Conflict, match="can no longer be cancelled"):
        played.happens(CANCEL)


def test_a_pivot_with_an_unknown_outcome_is_parked() -> None:
    played = Played(PIVOT)
    played.ends()
    played.ends(Result.UNKNOWN)
    played.ends(Result.UNKNOWN)
    assert played.saga.status is SagaStatus.FAILED
    assert played.statuses() == ["COMPLETED", "FAILED", "PENDING"]


def test_a_cancel_that_loses_to_the_pivot_is_dropped() -> None:
    played = Played(PIVOT)
    played.ends()
    played.happens(CANCEL)
    played.ends()
    assert not played.saga.stopping
    played.ends(Result.RETRYABLE)
    played.ends()
    assert played.saga.status is SagaStatus.COMPLETED


def test_a_saga_whose_pivot_may_have_happened_cannot_be_cancelled() -> None:
    played = Played(PIVOT)
    played.ends()
    played.ends(Result.UNKNOWN)
    with pytest.raises(Conflict, match="pivot"):
        played.happens(CANCEL)


def test_a_cancelled_saga_with_an_uncertain_pivot_goes_forward() -> None:
    played = Played(PIVOT)
    played.ends()
    played.happens(CANCEL)
    played.ends(Result.UNKNOWN)
    played.happens(StopObserved(step=1, attempt=played.awaited.attempt))
    assert (played.awaited.phase, played.awaited.step) == ("execute", 1)
    played.ends()
    played.ends()
    assert played.saga.status is SagaStatus.COMPLETED


def test_every_event_has_the_next_number() -> None:
    played = Played()
    decisions = [played.ends(), played.ends(Result.UNKNOWN), played.ends(Result.PERMANENT)]
    numbers = [event.id for decision in decisions for event in decision.events]
    assert numbers == list(range(2, 2 + len(numbers)))
    assert played.saga.sequence == numbers[-1]


def test_the_machine_does_not_change_its_arguments() -> None:
    played = Played(THREE)
    saga, steps = played.saga, list(played.steps)
    before = (repr(saga), repr(steps))
    played.ends()
    assert (repr(saga), repr(steps)) == before


def test_redeliveries_back_off_during_a_long_outage_of_the_queue() -> None:
    played = Played()
    for _ in range(24 * 60):
        played.happens(Overdue(), after=timedelta(minutes=1))
    assert 24 < played.steps[0].epoch < 40


def test_an_overdue_saga_with_nothing_outstanding_is_parked() -> None:
    played = Played()
    played.steps[0] = replace(played.steps[0], awaits=None)
    played.happens(Overdue(), after=timedelta(minutes=1))
    assert played.saga.status is SagaStatus.FAILED
    assert played.letters == 1


def test_only_a_decision_with_texts_searches_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    find = Privacy._find_secrets

    def note(self: Privacy) -> Iterator[Any]:
        searched.append(self._saga.id)
        return find(self)

    monkeypatch.setattr(Privacy, "_find_secrets", note)
    played = Played(traceparent=TRACE)
    assert len(searched) == 1  # the caller's traceparent
    for _ in range(3):
        played.ends(output='"done"')
    assert len(searched) == 1
    assert played.saga.traceparent == TRACE
