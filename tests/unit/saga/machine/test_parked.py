"""What ends while a saga is parked or paused is recorded, and the saga continues from there."""

from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict
from lib.saga.definition.phase import Phase
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.inputs import (
    ChildEnded,
    Result,
    SignalReceived,
    SkipRequested,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import outcome, step
from tests.unit.saga.machine.repairs import (
    CANCEL,
    ONCE,
    PARK,
    PAUSE,
    PIVOT,
    RETRY,
    WHO,
    due,
    end,
    family,
    play,
    skip,
)


def test_any_active_saga_can_be_parked_and_continues_after_a_retry() -> None:
    for played in (play(step("a")), play(Signal("go")), play(Timer("nap", after=timedelta(1)))):
        before = played.saga.status
        played.happens(PARK)
        assert (played.saga.status, played.letters, played.deliveries) == ("FAILED", 1, ())
        assert played.saga.parked_because == "seen to it"
        assert played.happens(PARK).events == ()
        played.happens(RETRY)
        assert played.saga.status in (before, SagaStatus.RUNNING)


def test_an_outcome_is_only_recorded_while_its_saga_is_parked() -> None:
    played = play(step("a"), step("b"))
    first = played.awaited
    played.happens(PARK)
    played.happens(outcome(first, output='"a"'))
    assert (played.saga.status, played.statuses()) == (SagaStatus.FAILED, ["COMPLETED", "PENDING"])
    assert played.deliveries == ()
    played.happens(RETRY)
    assert (due(played), played.saga.status) == ({1: Phase.EXECUTE}, SagaStatus.RUNNING)


def test_a_step_that_fails_while_its_saga_is_parked_is_rolled_back_by_the_retry() -> None:
    played = play(step("a"), step("b"))
    played.ends()
    second = played.awaited
    played.happens(PARK)
    played.happens(outcome(second, Result.PERMANENT, error="no"))
    played.happens(RETRY)
    assert (played.saga.status, due(played)) == (SagaStatus.ROLLING_BACK, {0: Phase.COMPENSATE})
    assert played.saga.error == "step b: no"


def test_an_attempt_that_fails_while_parked_is_retried_after_the_saga() -> None:
    played = play(step("a"))
    first = played.awaited
    played.happens(PARK)
    played.happens(outcome(first, Result.UNKNOWN, error="timeout"))
    assert (played.saga.status, played.deliveries) == (SagaStatus.FAILED, ())
    played.happens(RETRY)
    assert (played.awaited.attempt, played.steps[0].maybe_applied) == (2, True)


def test_a_compensation_that_ends_while_its_saga_is_parked_is_not_run_again() -> None:
    played = play(step("a"), step("b"), step("c"))
    played.ends()
    played.ends()
    played.ends(Result.PERMANENT)
    undo = played.awaited
    played.happens(PARK)
    played.happens(outcome(undo))
    played.happens(RETRY)
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_compensation_in_flight_when_parked_is_redelivered_by_the_retry() -> None:
    played = play(step("a"), step("b"))
    played.ends()
    played.ends(Result.PERMANENT)
    played.happens(PARK)
    played.happens(RETRY)
    assert due(played) == {0: Phase.COMPENSATE}


def test_the_end_of_a_child_is_recorded_while_its_parent_is_parked() -> None:
    for status, after in (
        (SagaStatus.COMPLETED, {2: Phase.EXECUTE}), (SagaStatus.ROLLED_BACK, {0: Phase.COMPENSATE}),
    ):  # fmt: skip
        played = family()
        played.ends()
        played.happens(PARK)
        played.happens(ChildEnded(step=1, child="s1:c", status=status, error="no"))
        assert played.saga.status is SagaStatus.FAILED
        played.happens(RETRY)
        assert due(played) == after


def test_a_child_resolved_before_its_rollback_is_recorded_rolls_back() -> None:
    played = family()
    played.ends()
    played.happens(CANCEL)
    asked = played.awaited
    played.happens(ChildEnded(step=1, child="s1:c", status=SagaStatus.COMPLETED))
    played.happens(outcome(asked, Result.IN_PROGRESS))
    assert due(played) == {1: Phase.COMPENSATE}


def test_a_step_that_waits_can_be_skipped_once_its_saga_is_parked() -> None:
    played = play(Signal("go"), step("b"))
    played.happens(PARK)
    played.happens(SkipRequested(**WHO, step="go", output='{"by": "ann"}'))
    assert (played.steps[0].output, due(played)) == ('{"by": "ann"}', {1: Phase.EXECUTE})


def test_skipping_a_step_that_waits_for_a_child_names_the_child() -> None:
    played = family()
    played.ends()
    played.happens(PARK)
    with pytest.raises(Conflict, match="step c waits for saga s1:c"):
        played.happens(skip("c"))


@pytest.mark.parametrize("go_on", [RETRY, skip("a")])
def test_a_signal_kept_while_parked_is_used_after_the_retry(go_on: Any) -> None:
    members = Parallel(step("a", undo=False, retry=ONCE), Signal("go"))
    played = play(PIVOT, members, step("z", undo=False))
    played.ends()
    end(played, 1, Result.PERMANENT, error="no")
    played.happens(PARK)
    played.happens(SignalReceived(step="go", payload="1"))
    played.happens(go_on)
    assert (played.statuses()[2], played.steps[2].output) == ("COMPLETED", "1")
    while 1 in due(played):
        end(played, 1)
    assert due(played) == {3: Phase.EXECUTE}


def test_a_signal_for_a_saga_parked_in_its_rollback_is_too_late() -> None:
    played = play(step("a", compensation_retry=ONCE), Signal("go"))
    end(played, 0, Result.UNKNOWN)
    end(played, 0, Result.UNKNOWN)
    end(played, 0, Result.PERMANENT)
    assert played.saga.status is SagaStatus.FAILED
    with pytest.raises(Conflict, match="no longer waits"):
        played.happens(SignalReceived(step="go", payload="1"))


def test_a_child_that_begins_while_its_parent_is_paused_begins_paused() -> None:
    played = family()
    first = played.awaited
    played.happens(PAUSE)
    played.happens(outcome(first))
    [child] = played.children
    assert (child.paused, played.deliveries) == (True, ())


def test_a_saga_that_ends_is_no_longer_paused() -> None:
    played = play(step("a"))
    first = played.awaited
    played.happens(PAUSE)
    played.happens(outcome(first))
    assert (played.saga.status, played.saga.paused) == (SagaStatus.COMPLETED, False)
