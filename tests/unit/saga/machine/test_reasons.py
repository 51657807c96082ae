"""A saga that fails has a reason, and its trail replays to its state."""

from typing import Any

from lib.saga.machine.decide import apply_request
from lib.saga.machine.inputs import (
    ChildEnded,
    ResolveRequested,
    Result,
)
from lib.saga.machine.replay import replay, state_of
from lib.saga.state.records import EventRecord, SagaStatus
from tests.unit.saga.machine.build import Played, step
from tests.unit.saga.machine.repairs import (
    CANCEL,
    PARK,
    PAUSE,
    RESUME,
    RETRY,
    WHO,
    end,
    family,
    play,
    uncertain_pivot,
    void,
)


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


def test_a_failure_without_a_message_has_its_cause_as_error() -> None:
    played = family()
    played.ends()
    played.happens(ChildEnded(step=1, child="s1:c", status=SagaStatus.ROLLED_BACK))
    assert played.saga.error == "step c: child_rolled_back"


def test_a_saga_resolved_as_rolled_back_says_why() -> None:
    played = uncertain_pivot()
    request = ResolveRequested(**WHO, outcome=SagaStatus.ROLLED_BACK)
    decision = apply_request(played.saga, played.steps, request, played.now)
    assert decision.saga.error == "step p: timeout"


def test_the_audit_trail_replays_to_the_state_after_every_verb() -> None:
    played = uncertain_pivot()
    trail: list[EventRecord] = []

    class Watched(Played):
        def _take(self, decision: Any, steps: Any) -> Any:
            trail.extend(decision.events)
            return super()._take(decision, steps)

    played = Watched(played.definition)
    played.ends()
    played.ends(Result.UNKNOWN, error="timeout")
    for request in (RETRY, PAUSE, PARK, RETRY, RESUME, PARK, void("p")):
        played.happens(request)
    played.ends()
    names = [each.name for each in played.steps]
    assert replay(trail, names) == state_of(played.saga, played.steps)
