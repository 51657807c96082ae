"""A saga in each possible state, reached through the machine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    Result,
    SkipRequested,
)
from lib.saga.state.records import SagaStatus
from tests.unit.saga.machine.build import Played, act, outcome, step

WHO: dict[str, Any] = {"actor": "ann@example.com", "reason": "seen to it"}
ONCE = RetryPolicy(attempts=1)
LATER = timedelta(hours=1)
INNER = Saga("inner", payload=dict, steps=(step("x"),))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A saga in a state; `focus` is the step that skip and void are tried on first."""

    title: str
    make: Callable[[], Played]
    focus: str
    declared: bool = True


def play(*steps: Element | Parallel) -> Played:
    return Played(Saga("example", payload=dict, steps=steps))


def end(played: Played, index: int, result: Result = Result.DONE, **options: Any) -> Played:
    delivery = next(each for each in played.deliveries if each.step == index)
    played.happens(outcome(delivery, result, **options))
    return played


def then(played: Played, *requests: Any) -> Played:
    for request in requests:
        played.happens(request)
    return played


def child(**options: Any) -> Child:
    return Child("ship", saga=INNER, payload=lambda payload, _: payload, **options)


def pay(**options: Any) -> Element:
    return step("pay", undo=False, pivot=True, **options)


def late(name: str, **options: Any) -> Element:
    return step(name, undo=False, **options)


def in_flight() -> Played:
    return end(play(step("reserve"), step("pack"), Signal("go")), 0)


def at_pivot(**options: Any) -> Played:
    return end(play(step("reserve"), pay(**options), late("mail")), 0)


def past_pivot(*after: Element | Parallel) -> Played:
    return end(play(pay(), *after), 0)


def member_failed() -> Played:
    group = Parallel(late("mail", retry=ONCE), Signal("go"))
    return end(past_pivot(group), 1, Result.PERMANENT, error="no such address")


def waiting(part: Element) -> Played:
    return end(play(step("reserve"), part, step("pack")), 0)


def going_back() -> Played:
    return end(in_flight(), 1, Result.PERMANENT, error="out of stock")


def going_back_in_a_group() -> Played:
    group = Parallel(step("reserve", compensation_retry=ONCE), step("hold"))
    played = end(end(play(group, step("pack")), 0), 1)
    return end(end(played, 2, Result.PERMANENT, error="no"), 0, Result.PERMANENT, error="stuck")


def child_going_back() -> Played:
    return end(then(waiting(child()), CancelRequested(**WHO)), 1, Result.IN_PROGRESS)


def asking() -> Played:
    return end(play(step("reserve", status=act, retry=ONCE), step("pack")), 0, Result.UNKNOWN)


def compensation_failed() -> Played:
    played = play(step("reserve", compensation_retry=ONCE), step("pack"))
    return end(
        end(end(played, 0), 1, Result.PERMANENT, error="no"), 0, Result.PERMANENT, error="down"
    )


def uncertain() -> Played:
    return end(at_pivot(retry=ONCE), 1, Result.UNKNOWN, error="timeout")


def completed() -> Played:
    return end(end(play(step("reserve"), late("mail", when=lambda *_: True)), 0), 1)


def skipped() -> Played:
    return then(end(past_pivot(late("mail")), 1, Result.PERMANENT),
                SkipRequested(**WHO, step="mail"))  # fmt: skip


def rolled_back() -> Played:
    return end(going_back(), 0)


def resolved() -> Played:
    parked = then(in_flight(), ParkRequested(**WHO))
    return then(parked, ResolveRequested(**WHO, outcome=SagaStatus.ROLLED_BACK))


def unheard() -> Played:
    played = end(play(step("x")), 0)
    played.saga = replace(played.saga, parent_id="order-0")
    return played


def postponed() -> Played:
    played = play(step("reserve"))
    played.steps[0] = replace(played.steps[0], awaits=Phase.START)
    return played


PARK, PAUSE = ParkRequested(**WHO), PauseRequested(**WHO)
CANCEL = CancelRequested(**WHO)
NAP = Timer("nap", after=timedelta(days=360))


def scene(title: str, focus: str, make: Callable[[], Played], **options: Any) -> Scene:
    return Scene(title=title, make=make, focus=focus, **options)


SCENES = (
    scene("started, its first step is in the queue", "reserve", lambda: play(step("reserve"))),
    scene("its step begins with a separate task", "reserve", postponed),
    scene("a step is in flight", "pack", in_flight),
    scene("a step is retried in an hour", "pack",
          lambda: end(in_flight(), 1, Result.RETRYABLE, after=LATER)),
    scene("a participant is asked whether a step was executed", "reserve", asking),
    scene("waits for a timer", "nap", lambda: waiting(NAP)),
    scene("waits for a signal", "go", lambda: waiting(Signal("go"))),
    scene("waits for a child saga", "ship", lambda: waiting(child())),
    scene("one member of a group has completed", "hold",
          lambda: end(play(Parallel(step("reserve"), step("hold"))), 0)),
    scene("a cancel waits for the step in flight", "pack", lambda: then(in_flight(), CANCEL)),
    scene("a step is in flight", "pack", lambda: then(in_flight(), PAUSE)),
    scene("its pivot is in the queue and has not begun", "pay", at_pivot),
    scene("its pivot may have been applied and is retried", "pay",
          lambda: end(at_pivot(), 1, Result.UNKNOWN)),
    scene("past its pivot", "mail", lambda: past_pivot(late("mail"))),
    scene("past its pivot, a member of a group is out of attempts", "mail", member_failed),
    scene("a compensation is in flight", "reserve", going_back),
    scene("a compensation is in flight", "reserve", lambda: then(going_back(), PAUSE)),
    scene("its child saga is rolling back", "ship", child_going_back),
    scene("a compensation is out of attempts, another in flight", "reserve", going_back_in_a_group),
    scene("a compensation is out of attempts", "reserve", compensation_failed),
    scene("a step past the pivot is out of attempts", "mail",
          lambda: end(past_pivot(late("mail")), 1, Result.PERMANENT, error="no such address")),
    scene("the pivot may have been applied", "pay", uncertain),
    scene("by an operator, with a step in flight", "pack", lambda: then(in_flight(), PARK)),
    scene("by an operator, waiting for a signal", "go",
          lambda: then(waiting(Signal("go")), PARK)),
    scene("by an operator, waiting for a child saga", "ship",
          lambda: then(waiting(child()), PARK)),
    scene("by an operator, while it rolled back", "reserve", lambda: then(going_back(), PARK)),
    scene("its definition is no longer declared", "pack", in_flight, declared=False),
    scene("by an operator, and its definition is no longer declared", "pack",
          lambda: then(in_flight(), PARK), declared=False),
    scene("by its own steps", "reserve", completed),
    scene("an operator skipped a step", "mail", skipped),
    scene("a child saga whose parent is not yet notified", "x", unheard),
    scene("by its own compensations", "reserve", rolled_back),
    scene("by an operator", "pack", resolved),
)  # fmt: skip
