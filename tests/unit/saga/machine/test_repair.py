"""What has failed calls an operator at once, and every verb deals with it; what ends is kept."""

from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict, VersionMismatch
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.decide import apply_request
from lib.saga.machine.inputs import (
    CancelRequested,
    ChildEnded,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    Result,
    ResumeRequested,
    RetryRequested,
    SignalReceived,
    SkipRequested,
    VoidRequested,
)
from lib.saga.machine.replay import replay, state_of
from lib.saga.state.records import EventRecord, SagaStatus
from tests.unit.saga.machine.build import Played, outcome, step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "seen to it"}
PARK, PAUSE, RESUME = ParkRequested(**WHO), PauseRequested(**WHO), ResumeRequested(**WHO)
RETRY, CANCEL = RetryRequested(**WHO), CancelRequested(**WHO)
PIVOT = step("p", undo=False, pivot=True)
ONCE = RetryPolicy(attempts=1)


def skip(name: str) -> SkipRequested:
    return SkipRequested(**WHO, step=name)


def void(name: str) -> VoidRequested:
    return VoidRequested(**WHO, step=name)


def play(*steps: Element | Parallel, **options: Any) -> Played:
    return Played(Saga("x", payload=dict, steps=steps, **options))


def due(played: Played) -> dict[int, Phase]:
    return {delivery.step: delivery.phase for delivery in played.deliveries}


def end(played: Played, index: int, result: Result = Result.DONE, **options: Any) -> None:
    delivery = next(each for each in played.deliveries if each.step == index)
    played.happens(outcome(delivery, result, **options))


# The first final failure without a way back calls an operator


def failed_beside(*others: Element) -> Played:
    """Past its pivot, a member of a group is out of attempts, and the others have not ended."""
    played = play(
        PIVOT, Parallel(step("a", undo=False, retry=ONCE), *others), step("z", undo=False)
    )
    played.ends()
    end(played, 1, Result.PERMANENT, error="no")
    return played


@pytest.mark.parametrize(
    "other", [Signal("go"), Timer("nap", after=timedelta(days=360)), step("b", undo=False)]
)
def test_a_member_that_fails_past_the_pivot_calls_an_operator_while_others_go_on(
    other: Element,
) -> None:
    played = failed_beside(other)
    assert (played.saga.status, played.letters) == (SagaStatus.RUNNING, 1)
    assert played.saga.parked_because == "step a: no"


def test_a_second_failure_of_the_same_incident_brings_no_second_alert() -> None:
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


def test_a_failed_member_that_fails_again_calls_an_operator_again() -> None:
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


def test_with_two_failed_members_the_call_stands_until_both_are_dealt_with() -> None:
    played = failed_beside(step("b", undo=False, retry=ONCE), Signal("go"))
    end(played, 2, Result.PERMANENT, error="neither")
    assert not played.happens(skip("a")).unparked
    assert played.happens(skip("b")).unparked


def test_a_sibling_that_has_not_failed_is_not_skipped_while_the_saga_moves() -> None:
    with pytest.raises(Conflict, match="step go is WAITING, and cannot be skipped"):
        failed_beside(Signal("go")).happens(skip("go"))


def going_back(**options: Any) -> Played:
    """A group goes back: of one member the compensation has failed, of the other it goes on."""
    members = (step(name, compensation_retry=ONCE) for name in "bc")
    played = play(step("a"), Parallel(*members), step("d"), **options)
    played.ends()
    end(played, 1)
    end(played, 2)
    played.ends(Result.PERMANENT, error="no")
    end(played, 1, Result.PERMANENT, error="stuck")
    return played


def test_a_compensation_out_of_attempts_calls_an_operator_while_others_continue() -> None:
    played = going_back()
    assert (played.saga.status, played.letters) == (SagaStatus.ROLLING_BACK, 1)
    assert played.saga.parked_because == "compensation of b: stuck"
    end(played, 2)
    assert (played.saga.status, played.letters) == (SagaStatus.FAILED, 1)


@pytest.mark.parametrize("mend", [RETRY, skip("b"), void("b")])
def test_a_failed_compensation_is_dealt_with_while_others_go_on(mend: Any) -> None:
    played = going_back()
    assert played.happens(mend).unparked
    while played.deliveries:
        end(played, played.deliveries[-1].step)
    assert played.saga.status is SagaStatus.ROLLED_BACK


def test_a_saga_that_goes_on_past_failed_compensations_calls_with_the_first_one() -> None:
    played = going_back(on_compensation_failure=OnCompensationFailure.CONTINUE)
    assert played.letters == 1
    end(played, 2)
    assert due(played) == {0: Phase.COMPENSATE}
    played.happens(RETRY)
    assert due(played) == {0: Phase.COMPENSATE, 1: Phase.COMPENSATE}
    end(played, 0)
    end(played, 1)
    assert played.saga.status is SagaStatus.ROLLED_BACK


# A pivot that did not happen


def uncertain_pivot() -> Played:
    played = play(step("a"), step("p", undo=False, pivot=True, retry=ONCE), step("z", undo=False))
    played.ends()
    played.ends(Result.UNKNOWN, error="time-out")
    assert played.saga.status is SagaStatus.FAILED
    return played


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


# A forced park


def test_any_saga_that_moves_or_waits_can_be_parked_and_goes_on_with_a_retry() -> None:
    for played in (play(step("a")), play(Signal("go")), play(Timer("nap", after=timedelta(1)))):
        before = played.saga.status
        played.happens(PARK)
        assert (played.saga.status, played.letters, played.deliveries) == ("FAILED", 1, ())
        assert played.saga.parked_because == "seen to it"
        assert played.happens(PARK).events == ()
        played.happens(RETRY)
        assert played.saga.status in (before, SagaStatus.RUNNING)


def test_what_ends_while_its_saga_is_parked_is_recorded_and_nothing_comes_of_it() -> None:
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


def test_a_failed_attempt_while_its_saga_is_parked_is_followed_by_the_next_after_the_retry() -> (
    None
):
    played = play(step("a"))
    first = played.awaited
    played.happens(PARK)
    played.happens(outcome(first, Result.UNKNOWN, error="time-out"))
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


def test_a_compensation_in_flight_when_its_saga_was_parked_comes_again_with_the_retry() -> None:
    played = play(step("a"), step("b"))
    played.ends()
    played.ends(Result.PERMANENT)
    played.happens(PARK)
    played.happens(RETRY)
    assert due(played) == {0: Phase.COMPENSATE}


def family() -> Played:
    child = Saga("child", payload=dict, steps=(step("x"),))
    return play(step("a"), Child[Any, Any]("c", saga=child, payload=lambda p, _: p), step("z"))


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


def test_a_child_resolved_before_its_rollback_is_recorded_is_rolled_back_after_all() -> None:
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


def test_a_step_that_waits_for_a_child_is_not_skipped_but_its_saga_named() -> None:
    played = family()
    played.ends()
    played.happens(PARK)
    with pytest.raises(Conflict, match="step c waits for saga s1:c"):
        played.happens(skip("c"))


# Signals that were kept


@pytest.mark.parametrize("go_on", [RETRY, skip("a")])
def test_a_signal_kept_while_its_saga_was_parked_is_taken_when_it_goes_on(go_on: Any) -> None:
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


def test_a_signal_for_a_saga_that_was_parked_going_back_is_too_late() -> None:
    played = play(step("a", compensation_retry=ONCE), Signal("go"))
    end(played, 0, Result.UNKNOWN)
    end(played, 0, Result.UNKNOWN)
    end(played, 0, Result.PERMANENT)
    assert played.saga.status is SagaStatus.FAILED
    with pytest.raises(Conflict, match="no longer waits"):
        played.happens(SignalReceived(step="go", payload="1"))


# Pauses and reasons


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


def test_a_cancelled_saga_says_why_and_so_does_its_parent() -> None:
    played = play(step("a"), step("b"))
    played.ends()
    played.happens(CANCEL)
    end(played, 1, Result.RETRYABLE)
    end(played, 1)
    played.ends()
    assert (played.saga.status, played.saga.error) == (SagaStatus.ROLLED_BACK, "seen to it")
    parent = family()
    parent.ends()
    ended = ChildEnded(step=1, child="s1:c", status=SagaStatus.ROLLED_BACK, error="seen to it")
    parent.happens(ended)
    assert parent.saga.error == "step c: seen to it"


def test_a_failure_without_words_is_given_its_cause() -> None:
    played = family()
    played.ends()
    played.happens(ChildEnded(step=1, child="s1:c", status=SagaStatus.ROLLED_BACK))
    assert played.saga.error == "step c: child_rolled_back"


def test_a_saga_resolved_as_rolled_back_says_why() -> None:
    played = uncertain_pivot()
    request = ResolveRequested(**WHO, outcome=SagaStatus.ROLLED_BACK)
    decision = apply_request(played.saga, played.steps, request, played.now)
    assert decision.saga.error == "step p: time-out"


# The same request again


def test_a_request_that_was_carried_out_is_answered_the_second_time_as_the_first() -> None:
    played = uncertain_pivot()
    for request in (RETRY, PARK, void("p")):
        assert played.happens(request).events
        assert played.happens(request).events == ()


def test_pause_and_resume_are_idempotent() -> None:
    played = play(step("a"))
    assert played.happens(RESUME).events == ()
    assert played.happens(PAUSE).events
    assert played.happens(PauseRequested(actor="b", reason="too")).events == ()


def test_a_skip_decided_again_after_its_lost_answer_touches_no_other_step() -> None:
    steps = (step(name, undo=False, retry=ONCE) for name in "bc")
    played = play(PIVOT, *steps)
    played.ends()
    played.ends(Result.PERMANENT)
    mine = SkipRequested(**WHO, step="b", id="1", incident=played.saga.incident)
    played.happens(mine)
    played.ends(Result.PERMANENT)
    assert played.happens(mine).events == ()
    assert (played.saga.status, played.statuses()[2]) == (SagaStatus.FAILED, "FAILED")


def test_a_repair_meant_for_one_failure_is_not_carried_out_on_the_next() -> None:
    played = uncertain_pivot()
    seen = played.saga.incident
    played.happens(RETRY)
    played.ends(Result.UNKNOWN)
    with pytest.raises(Conflict, match="no longer in the failure you saw"):
        played.happens(RetryRequested(actor="b", reason="too", incident=seen))


def test_a_request_for_a_saga_that_has_moved_since_it_was_seen_is_refused() -> None:
    played = play(step("a"), step("b"))
    seen = played.saga.sequence
    played.ends()
    with pytest.raises(VersionMismatch, match="has changed since you saw it"):
        played.happens(CancelRequested(**WHO, sequence=seen))


def test_one_id_is_not_used_for_two_requests() -> None:
    played = play(step("a"))
    played.happens(PauseRequested(**WHO, id="k"))
    with pytest.raises(Conflict, match="used for another request"):
        played.happens(ResumeRequested(**WHO, id="k"))


def test_a_request_under_the_same_id_is_the_same_whatever_state_of_the_saga_it_names() -> None:
    played = play(step("a"))
    seen = played.saga.sequence
    assert played.happens(ParkRequested(**WHO, id="k 1", sequence=seen)).events
    assert played.happens(ParkRequested(**WHO, id="k 1", sequence=seen + 1)).events == ()
    assert played.happens(RetryRequested(**WHO, id="1")).events


def test_the_audit_trail_leads_to_the_state_after_every_verb() -> None:
    played = uncertain_pivot()
    trail: list[EventRecord] = []

    class Watched(Played):
        def _take(self, decision: Any, steps: Any) -> Any:
            trail.extend(decision.events)
            return super()._take(decision, steps)

    played = Watched(played.definition)
    played.ends()
    played.ends(Result.UNKNOWN, error="time-out")
    for request in (RETRY, PAUSE, PARK, RETRY, RESUME, PARK, void("p")):
        played.happens(request)
    played.ends()
    names = [each.name for each in played.steps]
    assert replay(trail, names) == state_of(played.saga, played.steps)


# A cancel that a pivot has overtaken


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
