"""A pivot of which nobody knows, and one that was overtaken by a cancel: each verb's way out."""

from datetime import timedelta

import pytest

from lib.errors import Conflict
from lib.saga.definition.child import Child
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.machine.inputs import (
    ChildEnded,
    Result,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import step
from tests.unit.saga.machine.repairs import (
    CANCEL,
    ONCE,
    PARK,
    PIVOT,
    RETRY,
    due,
    end,
    play,
    skip,
    uncertain_pivot,
    void,
)


def test_an_uncertain_pivot_that_did_not_happen_has_the_rest_compensated() -> None:
    played = uncertain_pivot()
    assert played.happens(void("p")).unparked
    assert due(played) == {0: Phase.COMPENSATE}
    played.ends()
    assert (played.saga.status, played.saga.error) == (SagaStatus.ROLLED_BACK, "step p: seen to it")
    assert not played.steps[1].maybe_applied


def test_an_uncertain_pivot_that_did_happen_is_skipped_and_the_saga_goes_on() -> None:
    played = uncertain_pivot()
    played.happens(skip("p"))
    assert due(played) == {2: Phase.EXECUTE}


def test_past_the_pivot_a_step_that_did_not_happen_is_no_way_back() -> None:
    played = play(PIVOT, step("z", undo=False))
    played.ends()
    played.ends(Result.PERMANENT)
    with pytest.raises(Conflict, match="step z comes after the pivot: retry it, or skip it"):
        played.happens(void("z"))


@pytest.mark.parametrize(
    ("result", "status"),
    [(Result.DONE, SagaStatus.COMPLETED), (Result.PERMANENT, SagaStatus.FAILED)],
)
def test_a_retry_tries_a_pivot_of_which_nobody_knows_though_the_saga_was_cancelled(
    result: Result, status: SagaStatus
) -> None:
    played = play(step("a"), step("p", undo=False, pivot=True, retry=ONCE))
    end(played, 0)
    played.happens(CANCEL)
    end(played, 1, Result.UNKNOWN)
    assert (played.saga.status, played.saga.stopping) == (SagaStatus.FAILED, "cancelled")
    played.happens(RETRY)
    assert (played.saga.status, due(played)) == (SagaStatus.RUNNING, {1: Phase.EXECUTE})
    end(played, 1, result)
    assert played.saga.status is status


def test_a_pivot_that_was_cancelled_and_has_not_happened_is_rolled_back_by_void() -> None:
    played = play(step("a"), step("p", undo=False, pivot=True, retry=ONCE))
    end(played, 0)
    played.happens(CANCEL)
    end(played, 1, Result.UNKNOWN)
    played.happens(void("p"))
    assert (played.saga.status, due(played)) == (SagaStatus.ROLLING_BACK, {0: Phase.COMPENSATE})


def test_a_retry_waits_for_a_child_that_goes_back_before_it_goes_on_behind_it() -> None:
    inner = Saga("inner", payload=dict, steps=(step("x"),))
    played = play(step("a"), Child("c", saga=inner, payload=lambda *_: {}), step("z"))
    played.ends()
    [child] = played.children
    played.happens(ChildEnded(step=1, child=child.id, status=SagaStatus.COMPLETED))
    played.ends(Result.PERMANENT, error="no")
    played.ends(Result.IN_PROGRESS)
    played.happens(PARK)
    played.happens(RETRY)
    assert played.deliveries == ()
    played.happens(ChildEnded(step=1, child=child.id, status=SagaStatus.ROLLED_BACK))
    assert due(played) == {0: Phase.COMPENSATE}


def test_a_cancel_leaves_a_pivot_that_is_to_be_tried_later_its_attempt() -> None:
    played = play(step("a"), step("p", undo=False, pivot=True))
    played.ends()
    played.ends(Result.RETRYABLE, error="later", after=timedelta(hours=1))
    played.happens(CANCEL)
    assert (played.saga.status, due(played)) == (SagaStatus.RUNNING, {1: Phase.EXECUTE})
    played.ends()
    assert (played.saga.status, played.letters) == (SagaStatus.COMPLETED, 0)
