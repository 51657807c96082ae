"""An uncertain pivot, and a cancelled one: what each verb does."""

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


def test_voiding_an_uncertain_pivot_rolls_the_saga_back() -> None:
    played = uncertain_pivot()
    assert played.happens(void("p")).unparked
    assert due(played) == {0: Phase.COMPENSATE}
    played.ends()
    assert (played.saga.status, played.saga.error) == (SagaStatus.ROLLED_BACK, "step p: seen to it")
    assert not played.steps[1].maybe_applied


def test_skipping_an_uncertain_pivot_continues_the_saga() -> None:
    played = uncertain_pivot()
    played.happens(skip("p"))
    assert due(played) == {2: Phase.EXECUTE}


def test_a_step_after_the_pivot_cannot_be_voided() -> None:
    played = play(PIVOT, step("z", undo=False))
    played.ends()
    played.ends(Result.PERMANENT)
    with pytest.raises(Conflict, match="step z comes after the pivot: retry it, or skip it"):
        played.happens(void("z"))


@pytest.mark.parametrize(
    ("result", "status"),
    [(Result.DONE, SagaStatus.COMPLETED), (Result.PERMANENT, SagaStatus.FAILED)],
)
def test_a_retry_retries_an_uncertain_pivot_of_a_cancelled_saga(
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


def test_voiding_a_cancelled_pivot_rolls_the_saga_back() -> None:
    played = play(step("a"), step("p", undo=False, pivot=True, retry=ONCE))
    end(played, 0)
    played.happens(CANCEL)
    end(played, 1, Result.UNKNOWN)
    played.happens(void("p"))
    assert (played.saga.status, due(played)) == (SagaStatus.ROLLING_BACK, {0: Phase.COMPENSATE})


def test_a_retry_waits_for_a_child_that_is_rolling_back() -> None:
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


def test_a_cancel_keeps_the_scheduled_attempt_of_a_pivot() -> None:
    played = play(step("a"), step("p", undo=False, pivot=True))
    played.ends()
    played.ends(Result.RETRYABLE, error="later", after=timedelta(hours=1))
    played.happens(CANCEL)
    assert (played.saga.status, due(played)) == (SagaStatus.RUNNING, {1: Phase.EXECUTE})
    played.ends()
    assert (played.saga.status, played.letters) == (SagaStatus.COMPLETED, 0)
