"""What a saga is doing now, as a function of its record and the time."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from lib.saga.machine.causes import explain
from lib.saga.machine.waits import Wait, WaitKind, waits_of
from lib.saga.state.layout import unpack
from lib.saga.state.records import SagaRecord, SagaStatus, StepRecord


class Activity(StrEnum):
    """The kinds of a saga's activities."""

    #: Its delivery is due. It is not recorded whether that is still queued or the action runs.
    IN_FLIGHT = "in_flight"
    #: Its delivery is not due yet, or has not begun to run.
    QUEUED = "queued"
    #: It has failed and will be retried.
    BACKING_OFF = "backing_off"
    WAITING_FOR_SIGNAL = "waiting_for_signal"
    WAITING_FOR_TIME = "waiting_for_time"
    WAITING_FOR_CHILD = "waiting_for_child"
    NOTIFYING_PARENT = "notifying_parent"
    PAUSED = "paused"
    PARKED = "parked"


_WAITS = {
    WaitKind.SIGNAL: Activity.WAITING_FOR_SIGNAL,
    WaitKind.TIME: Activity.WAITING_FOR_TIME,
    WaitKind.CHILD: Activity.WAITING_FOR_CHILD,
    WaitKind.PARENT: Activity.NOTIFYING_PARENT,
    WaitKind.RESUME: Activity.PAUSED,
}


def activities_of(saga: SagaRecord, now: datetime) -> list[dict[str, Any]]:
    """Return a saga's activities: one for each step in flight or waiting; none once it has ended.

    An activity has, where applicable, the step and its phase, its start and its end, the number of
    attempts so far, the last failure (`after`), and the other saga.
    """
    return [_without_nothing(line) for line in _find_activities(saga, now)]


def _find_activities(saga: SagaRecord, now: datetime) -> Iterator[dict[str, Any]]:
    if saga.status is SagaStatus.FAILED:
        yield {"activity": Activity.PARKED, "after": explain(saga.parked_because)}
        return
    # Steps outside the record are neither in flight nor waiting.
    steps = {step.name: step for step in unpack(saga, saga.steps)}
    for wait in waits_of(saga, [*steps.values()]):
        if wait.kind is WaitKind.DELIVERY:
            yield _describe_delivery(steps[wait.step], now)
        elif wait.kind in _WAITS:
            yield _describe_wait(wait, steps.get(wait.step))


def _describe_delivery(step: StepRecord, now: datetime) -> dict[str, Any]:
    until = step.scheduled_at
    early = until is not None and until > now
    backs_off = early and step.tries > 1
    waits = early or step.unbegun
    kind = Activity.QUEUED if waits else Activity.IN_FLIGHT
    return {
        "activity": Activity.BACKING_OFF if backs_off else kind,
        "step": step.name,
        "phase": step.awaits,
        "tries": step.tries - 1 if backs_off else step.tries,
        "since": step.updated_at,
        "until": until if early else None,
        "after": explain(step.error),
    }


def _describe_wait(wait: Wait, step: StepRecord | None) -> dict[str, Any]:
    return {
        "activity": _WAITS[wait.kind],
        "step": wait.step,
        "saga": wait.saga,
        "since": step.updated_at if step else None,
        "until": wait.until if step else None,
    }


def _without_nothing(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if value not in (None, "")}
