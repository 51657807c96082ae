"""Sagas to repair, and the requests of an operator."""

from typing import Any

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    Result,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
    VoidRequested,
)
from lib.saga.state.records import SagaStatus
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


def family() -> Played:
    child = Saga("child", payload=dict, steps=(step("x"),))
    return play(step("a"), Child[Any, Any]("c", saga=child, payload=lambda p, _: p), step("z"))


def uncertain_pivot() -> Played:
    played = play(step("a"), step("p", undo=False, pivot=True, retry=ONCE), step("z", undo=False))
    played.ends()
    played.ends(Result.UNKNOWN, error="timeout")
    assert played.saga.status is SagaStatus.FAILED
    return played
