"""Repeated requests, and requests for a saga that has changed."""

import pytest

from lib.errors import Conflict, VersionMismatch
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    Result,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import step
from tests.unit.saga.machine.repairs import (
    ONCE,
    PARK,
    PAUSE,
    PIVOT,
    RESUME,
    RETRY,
    WHO,
    play,
    uncertain_pivot,
    void,
)


def test_a_repeated_request_gets_the_same_answer() -> None:
    played = uncertain_pivot()
    for request in (RETRY, PARK, void("p")):
        assert played.happens(request).events
        assert played.happens(request).events == ()


def test_pause_and_resume_are_idempotent() -> None:
    played = play(step("a"))
    assert played.happens(RESUME).events == ()
    assert played.happens(PAUSE).events
    assert played.happens(PauseRequested(actor="b", reason="too")).events == ()


def test_a_repeated_skip_affects_no_other_step() -> None:
    steps = (step(name, undo=False, retry=ONCE) for name in "bc")
    played = play(PIVOT, *steps)
    played.ends()
    played.ends(Result.PERMANENT)
    mine = SkipRequested(**WHO, step="b", id="1", incident=played.saga.incident)
    played.happens(mine)
    played.ends(Result.PERMANENT)
    assert played.happens(mine).events == ()
    assert (played.saga.status, played.statuses()[2]) == (SagaStatus.FAILED, "FAILED")


def test_a_repair_is_not_applied_to_a_later_failure() -> None:
    played = uncertain_pivot()
    seen = played.saga.incident
    played.happens(RETRY)
    played.ends(Result.UNKNOWN)
    with pytest.raises(Conflict, match="no longer in the failure you saw"):
        played.happens(RetryRequested(actor="b", reason="too", incident=seen))


def test_a_request_for_an_outdated_sequence_is_refused() -> None:
    played = play(step("a"), step("b"))
    seen = played.saga.sequence
    played.ends()
    with pytest.raises(VersionMismatch, match="has changed since you saw it"):
        played.happens(CancelRequested(**WHO, sequence=seen))


def test_one_id_cannot_be_used_for_two_requests() -> None:
    played = play(step("a"))
    played.happens(PauseRequested(**WHO, id="k"))
    with pytest.raises(Conflict, match="used for another request"):
        played.happens(ResumeRequested(**WHO, id="k"))


def test_a_request_with_the_same_id_is_equal_whatever_its_sequence() -> None:
    played = play(step("a"))
    seen = played.saga.sequence
    assert played.happens(ParkRequested(**WHO, id="k 1", sequence=seen)).events
    assert played.happens(ParkRequested(**WHO, id="k 1", sequence=seen + 1)).events == ()
    assert played.happens(RetryRequested(**WHO, id="1")).events
