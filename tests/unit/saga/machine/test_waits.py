"""No saga is left without anything that moves it, a wait, or an alert."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.inputs import (
    ChildEnded,
    ParkRequested,
    PauseRequested,
    Result,
    RetryRequested,
    SignalReceived,
)
from lib.saga.machine.outstanding import is_overdue
from lib.saga.machine.waits import WaitKind, waits_of
from lib.saga.state.records import LOOK_PERIOD, SagaStatus
from tests.unit.saga.machine.build import T0, Played, outcome, step

WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "a look"}
DAY = timedelta(days=1)
CHILD = Saga("child", payload=dict, steps=(step("x"),))


def play(*steps: Element | Parallel) -> Played:
    return Played(Saga("x", payload=dict, steps=steps))


def child() -> Child:
    return Child("c", saga=CHILD, payload=lambda p, _: p)


def kinds(played: Played) -> list[WaitKind]:
    return [wait.kind for wait in waits_of(played.saga, played.steps)]


def parked() -> Played:
    played = play(step("a"))
    played.happens(ParkRequested(**WHO))
    return played


def paused() -> Played:
    played = play(step("a"))
    played.happens(PauseRequested(**WHO))
    return played


WAITING: dict[WaitKind, Callable[[], Played]] = {
    WaitKind.SIGNAL: lambda: play(Signal("go")),
    WaitKind.TIME: lambda: play(Timer("nap", after=360 * DAY)),
    WaitKind.CHILD: lambda: play(child()),
    WaitKind.RESUME: paused,
    WaitKind.OPERATOR: parked,
    WaitKind.DELIVERY: lambda: play(step("a")),
}


@pytest.mark.parametrize("kind", WAITING)
def test_every_unfinished_saga_has_a_wait_and_a_due_time_within_a_day(
    kind: WaitKind,
) -> None:
    played = WAITING[kind]()
    assert kinds(played) == [kind]
    due = datetime.fromisoformat((played.saga.due or "").rpartition("|")[2])
    assert due.replace(tzinfo=UTC) <= played.now + LOOK_PERIOD


def test_the_wait_for_a_timed_signal_has_its_time() -> None:
    played = play(Signal("go", within=DAY))
    [wait] = waits_of(played.saga, played.steps)
    assert (wait.kind, wait.step, wait.until) == (WaitKind.SIGNAL, "go", T0 + DAY)


@pytest.mark.parametrize("kind", WAITING)
def test_a_look_at_a_waiting_saga_changes_nothing(kind: WaitKind) -> None:
    played = WAITING[kind]()
    assert played.happens(played.looked(), after=timedelta(seconds=1)).events == ()


def test_a_saga_that_waits_for_nothing_is_parked_with_that_reason() -> None:
    played = play(step("a"), step("b"))
    played.steps[0] = replace(played.steps[0], awaits=None)
    assert kinds(played) == []
    played.happens(played.looked(), after=DAY)
    assert (played.saga.status, played.letters) == (SagaStatus.FAILED, 1)
    assert played.saga.parked_because == "nothing_awaited"


def test_a_received_signal_is_not_waited_for() -> None:
    played = play(Signal("go"))
    played.steps[0] = replace(played.steps[0], signal="1")
    played.happens(played.looked(), after=DAY)
    assert played.saga.status is SagaStatus.FAILED


def test_a_look_records_a_missed_end_of_a_child() -> None:
    played = play(child(), step("b"))
    ended = ChildEnded(step=0, child="s1:c", status=SagaStatus.COMPLETED, output="7")
    played.happens(played.looked(ended=(ended,)), after=DAY)
    assert (played.steps[0].output, played.awaited.step) == ("7", 1)


def test_a_saga_whose_child_is_gone_is_parked() -> None:
    played = play(child(), step("b"))
    played.happens(played.looked(missing=("s1:c",)), after=DAY)
    assert played.saga.parked_because == "child_missing: s1:c"


def test_a_parked_saga_without_a_dead_letter_gets_a_new_one() -> None:
    played = parked()
    played.happens(played.looked(unreported=True), after=DAY)
    assert (played.saga.status, played.letters) == (SagaStatus.FAILED, 2)


def test_a_look_before_a_retry_writes_no_dead_letter_after_it() -> None:
    """The retry had deleted the letter before the look read it."""
    played = parked()
    late = played.looked(unreported=True)
    played.happens(RetryRequested(**WHO))
    assert played.happens(late).events == ()
    assert (played.saga.incident, played.letters) == (0, 1)


def test_an_outdated_look_parks_no_saga() -> None:
    played = play(child(), step("b"))
    late = played.looked(missing=("s1:c",))
    played.happens(ChildEnded(step=0, child="s1:c", status=SagaStatus.COMPLETED, output="7"))
    assert played.happens(late).events == ()
    assert played.saga.status is SagaStatus.RUNNING


def test_a_moving_saga_with_a_failed_step_also_waits_for_an_operator() -> None:
    pivot = step("p", undo=False, pivot=True)
    played = play(pivot, Parallel(step("a", undo=False), Signal("go")))
    played.ends()
    played.happens(outcome(played.deliveries[0], Result.PERMANENT))
    assert kinds(played) == [WaitKind.OPERATOR, WaitKind.SIGNAL]
    played.happens(SignalReceived(step="go", payload="1"))
    assert kinds(played) == [WaitKind.OPERATOR]


def test_the_sweep_handles_a_waiting_saga_once_its_look_is_due() -> None:
    played = play(Signal("go"))
    assert not is_overdue(played.saga, T0 + DAY - timedelta(seconds=1))
    assert is_overdue(played.saga, T0 + DAY)
