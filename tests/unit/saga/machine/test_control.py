"""What operators can do, and which requests are refused."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from lib.errors import Conflict, NotFound
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel
from lib.saga.machine.decide import apply_request
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.inputs import (
    CancelRequested,
    PauseRequested,
    ResolveRequested,
    Result,
    ResumeRequested,
    RetryRequested,
    SagaRequest,
    SkipRequested,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import THREE, Played, outcome, step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "the provider was down"}
CANCEL, PAUSE, RESUME = CancelRequested(**WHO), PauseRequested(**WHO), ResumeRequested(**WHO)
RETRY = RetryRequested(**WHO)
SKIP = SkipRequested(**WHO, step="b")

PIVOT = Saga(
    "pivot",
    payload=dict,
    steps=(
        step("a"),
        step("b", undo=False, pivot=True),
        step("c", undo=False),
        step("d", undo=False),
    ),
)
TWO_IN_A_GROUP = (step("a"), Parallel(step("b"), step("c")), step("d"))


def park_going_back(steps: Sequence[object] = THREE.steps, **options: object) -> Played:
    """A saga whose last step fails, and whose compensations all fail."""
    played = Played(Saga("x", payload=dict, steps=steps, **options))  # type: ignore[arg-type]
    while played.saga.status in (SagaStatus.PENDING, SagaStatus.RUNNING):
        last = played.deliveries[0].step == len(played.definition.elements) - 1
        end = {"result": Result.PERMANENT, "error": "no"} if last else {"output": '"x"'}
        played.happens(outcome(played.deliveries[0], **end))  # type: ignore[arg-type]
    fail_all(played)
    return played


def fail_all(played: Played) -> None:
    while played.deliveries:
        played.happens(outcome(played.deliveries[0], Result.RETRYABLE, error="down"))


def park_going_forward() -> Played:
    played = Played(PIVOT)
    played.ends()
    played.ends()
    played.ends(Result.PERMANENT, error="no")
    return played


def test_a_paused_saga_awaits_nothing() -> None:
    played = Played()
    played.happens(PAUSE)
    assert played.deliveries == ()


def test_what_is_in_flight_when_a_saga_is_paused_is_recorded_and_nothing_new_begins() -> None:
    played = Played()
    first = played.awaited
    played.happens(PAUSE)
    played.happens(outcome(first))
    assert played.statuses()[0] == "COMPLETED"
    assert played.deliveries == ()
    played.happens(RESUME)
    assert (played.awaited.step, played.awaited.phase) == (1, Phase.EXECUTE)


def test_a_resumed_step_may_have_happened_and_gets_a_new_task_name() -> None:
    played = Played()
    before = played.awaited.task_name
    played.happens(PAUSE)
    played.happens(RESUME)
    assert played.steps[0].maybe_applied
    assert played.awaited.task_name != before


def test_a_parents_pause_that_arrives_after_its_resume_is_ignored() -> None:
    played = Played()
    played.happens(PauseRequested(parent_pause=4, **WHO))
    played.happens(ResumeRequested(parent_pause=6, **WHO))
    late = played.happens(PauseRequested(parent_pause=5, **WHO))
    assert (late.no_change, played.saga.paused) == (NoChange.ALREADY_APPLIED, False)


def test_a_parents_resume_that_arrives_after_its_next_pause_is_ignored() -> None:
    played = Played()
    played.happens(PauseRequested(parent_pause=6, **WHO))
    late = played.happens(ResumeRequested(parent_pause=5, **WHO))
    assert (late.no_change, played.saga.paused) == (NoChange.ALREADY_APPLIED, True)


def test_a_child_that_has_ended_is_not_resumed_with_its_parent() -> None:
    """It would lose the time of its purge, and stay forever."""
    played = Played(Saga("s", payload=dict, steps=(step("a"),)))
    played.ends()
    with pytest.raises(Conflict, match="COMPLETED, not paused"):
        played.happens(ResumeRequested(parent_pause=5, **WHO))


def test_a_cancel_lifts_a_pause() -> None:
    played = Played()
    played.ends()
    played.happens(PAUSE)
    played.happens(CANCEL)
    assert not played.saga.paused
    assert played.saga.stopping
    played.ends()
    assert [d.phase for d in played.deliveries] == [Phase.COMPENSATE]


def test_a_retried_compensation_has_all_attempts_again() -> None:
    played = park_going_back()
    assert played.saga.parked_because == "compensation of b: down"
    decision = played.happens(RETRY)
    assert decision.unparked
    assert decision.saga.status is SagaStatus.ROLLING_BACK
    played.ends(Result.RETRYABLE)
    played.ends(Result.RETRYABLE)
    played.ends()
    played.ends()
    assert played.saga.status is SagaStatus.ROLLED_BACK
    assert played.saga.error == "step c: no"
    assert played.saga.parked_because == ""


def test_a_retried_step_after_the_pivot_continues_forward() -> None:
    played = park_going_forward()
    played.happens(RETRY)
    assert (played.awaited.step, played.awaited.phase) == (2, Phase.EXECUTE)
    played.ends()
    played.ends()
    assert played.saga.status is SagaStatus.COMPLETED


def test_a_skipped_step_has_the_given_output_and_the_saga_continues() -> None:
    played = park_going_forward()
    played.happens(SkipRequested(**WHO, step="c", output='{"id": 7}'))
    assert (played.statuses()[2], played.steps[2].output) == ("SKIPPED", '{"id": 7}')
    assert played.awaited.step == 3


def test_after_a_skipped_compensation_the_others_continue() -> None:
    played = park_going_back()
    played.happens(SKIP)
    assert (played.awaited.step, played.awaited.phase) == (0, Phase.COMPENSATE)
    played.ends()
    assert played.statuses() == ["COMPENSATED", "SKIPPED", "FAILED"]
    assert played.saga.status is SagaStatus.ROLLED_BACK


def test_with_several_failed_compensations_a_skip_names_its_step_and_the_saga_stays_parked() -> (
    None
):
    played = park_going_back(TWO_IN_A_GROUP)
    with pytest.raises(Conflict, match="step a is COMPLETED, and cannot be skipped"):
        played.happens(SkipRequested(**WHO, step="a"))
    with pytest.raises(NotFound, match="no step 'x'"):
        played.happens(SkipRequested(**WHO, step="x"))
    decision = played.happens(SkipRequested(**WHO, step="b"))
    assert (played.saga.status, decision.unparked) == (SagaStatus.FAILED, False)
    assert played.happens(SkipRequested(**WHO, step="c")).unparked
    assert (played.awaited.step, played.awaited.phase) == (0, Phase.COMPENSATE)


def test_with_continue_all_failed_compensations_park_the_saga_together() -> None:
    on = {"on_compensation_failure": OnCompensationFailure.CONTINUE}
    played = park_going_back(TWO_IN_A_GROUP, **on)
    assert played.statuses() == ["COMPENSATION_FAILED"] * 3 + ["FAILED"]
    assert played.saga.parked_because.count("compensation of") == 3
    assert played.letters == 1
    played.happens(RETRY)
    assert [d.step for d in played.deliveries] == [1, 2]


def test_a_parked_saga_is_resolved_by_an_operator() -> None:
    played = park_going_back()
    request = ResolveRequested(**WHO, outcome=SagaStatus.ROLLED_BACK)
    decision = apply_request(played.saga, played.steps, request, played.now)
    assert (decision.saga.status, decision.unparked) == (SagaStatus.ROLLED_BACK, True)
    [event] = decision.events
    assert (event.cause, event.actor, event.error) == ("resolved_by_operator", *WHO.values())


def test_a_saga_is_resolved_only_to_a_finished_status() -> None:
    played = park_going_back()
    request = ResolveRequested(**WHO, outcome=SagaStatus.RUNNING)
    with pytest.raises(Conflict, match="COMPLETED, ROLLED_BACK"):
        apply_request(played.saga, played.steps, request, played.now)


def running() -> Played:
    return Played()


def paused() -> Played:
    played = Played()
    played.happens(PAUSE)
    return played


def completed() -> Played:
    played = Played()
    for _ in range(3):
        played.ends()
    return played


def rolling_back() -> Played:
    played = Played()
    played.ends()
    played.ends(Result.PERMANENT)
    return played


@pytest.mark.parametrize(
    ("make", "request_"),
    [
        (running, RETRY), (running, SKIP), (paused, RETRY), (paused, SKIP),
        (completed, CANCEL), (completed, PAUSE), (completed, RESUME), (completed, RETRY),
        (completed, SKIP),
        (rolling_back, CANCEL), (rolling_back, RETRY), (rolling_back, SKIP),
        (park_going_back, CANCEL), (park_going_back, PAUSE), (park_going_back, RESUME),
        (park_going_forward, CANCEL),
    ],
)  # fmt: skip
def test_an_impossible_verb_is_refused(make: Callable[[], Played], request_: SagaRequest) -> None:
    with pytest.raises(Conflict, match="saga s1 is "):
        make().happens(request_)


def test_every_verb_records_actor_and_reason() -> None:
    for played, request in (
        (running(), PAUSE), (paused(), RESUME), (running(), CANCEL), (park_going_back(), RETRY),
        (park_going_back(), SKIP),
    ):  # fmt: skip
        events = played.happens(request, timedelta(0)).events
        assert any((e.actor, e.error) == tuple(WHO.values()) for e in events), request
