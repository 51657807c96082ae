"""A failure alerts an operator at once, while other steps continue."""

from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.inputs import (
    Result,
    SignalReceived,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import Played, step
from tests.unit.saga.machine.repairs import ONCE, PIVOT, RETRY, due, end, play, skip, void


def failed_beside(*others: Element) -> Played:
    """After the pivot, a member of a group is out of attempts, and the others have not ended."""
    played = play(
        PIVOT, Parallel(step("a", undo=False, retry=ONCE), *others), step("z", undo=False)
    )
    played.ends()
    end(played, 1, Result.PERMANENT, error="no")
    return played


@pytest.mark.parametrize(
    "other", [Signal("go"), Timer("nap", after=timedelta(days=360)), step("b", undo=False)]
)
def test_a_member_that_fails_after_the_pivot_alerts_an_operator_at_once(
    other: Element,
) -> None:
    played = failed_beside(other)
    assert (played.saga.status, played.letters) == (SagaStatus.RUNNING, 1)
    assert played.saga.parked_because == "step a: no"


def test_a_second_failure_of_an_incident_causes_no_second_alert() -> None:
    played = failed_beside(step("b", undo=False, retry=ONCE), Signal("go"))
    end(played, 2, Result.PERMANENT, error="neither")
    played.happens(SignalReceived(step="go", payload="1"))
    assert (played.saga.status, played.letters) == (SagaStatus.FAILED, 1)
    assert played.saga.parked_because == "step a: no; step b: neither"


def test_a_failed_member_is_retried_while_its_siblings_wait() -> None:
    played = failed_beside(Signal("go"))
    assert played.happens(RETRY).unparked
    assert (due(played), played.saga.incident) == ({1: Phase.EXECUTE}, 0)
    end(played, 1)
    played.happens(SignalReceived(step="go", payload="1"))
    assert due(played) == {3: Phase.EXECUTE}


def test_a_retried_member_that_fails_again_alerts_again() -> None:
    played = failed_beside(Signal("go"))
    played.happens(RETRY)
    end(played, 1, Result.PERMANENT, error="still no")
    assert played.letters == 2


def test_a_failed_member_is_skipped_while_its_siblings_wait() -> None:
    played = failed_beside(Signal("go"))
    assert played.happens(skip("a")).unparked
    assert (played.saga.status, played.statuses()[1]) == (SagaStatus.RUNNING, "SKIPPED")
    played.happens(SignalReceived(step="go", payload="1"))
    assert due(played) == {3: Phase.EXECUTE}


def test_with_two_failed_members_the_incident_lasts_until_both_are_handled() -> None:
    played = failed_beside(step("b", undo=False, retry=ONCE), Signal("go"))
    end(played, 2, Result.PERMANENT, error="neither")
    assert not played.happens(skip("a")).unparked
    assert played.happens(skip("b")).unparked


def test_a_member_that_has_not_failed_cannot_be_skipped() -> None:
    with pytest.raises(Conflict, match="step go is WAITING, and cannot be skipped"):
        failed_beside(Signal("go")).happens(skip("go"))


def going_back(**options: Any) -> Played:
    """A group rolls back: one compensation has failed, the other continues."""
    members = (step(name, compensation_retry=ONCE) for name in "bc")
    played = play(step("a"), Parallel(*members), step("d"), **options)
    played.ends()
    end(played, 1)
    end(played, 2)
    played.ends(Result.PERMANENT, error="no")
    end(played, 1, Result.PERMANENT, error="stuck")
    return played


def test_a_compensation_out_of_attempts_alerts_an_operator_at_once() -> None:
    played = going_back()
    assert (played.saga.status, played.letters) == (SagaStatus.ROLLING_BACK, 1)
    assert played.saga.parked_because == "compensation of b: stuck"
    end(played, 2)
    assert (played.saga.status, played.letters) == (SagaStatus.FAILED, 1)


@pytest.mark.parametrize("mend", [RETRY, skip("b"), void("b")])
def test_a_failed_compensation_is_repaired_while_others_continue(mend: Any) -> None:
    played = going_back()
    assert played.happens(mend).unparked
    while played.deliveries:
        end(played, played.deliveries[-1].step)
    assert played.saga.status is SagaStatus.ROLLED_BACK


def test_with_continue_the_first_failed_compensation_alerts() -> None:
    played = going_back(on_compensation_failure=OnCompensationFailure.CONTINUE)
    assert played.letters == 1
    end(played, 2)
    assert due(played) == {0: Phase.COMPENSATE}
    played.happens(RETRY)
    assert due(played) == {0: Phase.COMPENSATE, 1: Phase.COMPENSATE}
    end(played, 0)
    end(played, 1)
    assert played.saga.status is SagaStatus.ROLLED_BACK
