"""What a saga waits for, as operators see it: a function of its records alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lib.saga.machine.outstanding import outstanding
from lib.saga.state.records import ACTIVE, FINISHED, SagaRecord, SagaStatus, StepRecord, StepStatus


class WaitKind(StrEnum):
    """The kinds of things that a saga waits for."""

    #: A task of the queue.
    DELIVERY = "delivery"
    TIME = "time"
    SIGNAL = "signal"
    #: The end of a child saga.
    CHILD = "child"
    #: An operator's resume.
    RESUME = "resume"
    #: An operator's retry, skip, void or resolve.
    OPERATOR = "operator"
    #: The task that notifies the parent saga of the end.
    PARENT = "parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One thing that a saga waits for: the step, when the wait ends, the id of the other saga."""

    kind: WaitKind
    step: str = ""
    until: datetime | None = None
    saga: str = ""


def waits_of(saga: SagaRecord, steps: Sequence[StepRecord]) -> tuple[Wait, ...]:
    """Return everything that a saga waits for. If unfinished, a saga without any wait is stuck."""
    return tuple(_find_waits(saga, steps))


def _find_waits(saga: SagaRecord, steps: Sequence[StepRecord]) -> Iterator[Wait]:
    if saga.status in FINISHED:
        for delivery in outstanding(saga, steps):
            yield Wait(kind=WaitKind.PARENT, until=delivery.at, saga=saga.parent_id)
    if saga.incident or saga.status is SagaStatus.FAILED:
        yield Wait(kind=WaitKind.OPERATOR)
    if saga.status in ACTIVE and saga.paused:
        yield Wait(kind=WaitKind.RESUME)
    elif saga.status in ACTIVE:
        for step in steps:
            yield from _waits_of_step(step)


def _waits_of_step(step: StepRecord) -> Iterator[Wait]:
    if step.status is StepStatus.WAITING and step.child:
        yield Wait(kind=WaitKind.CHILD, step=step.name, saga=step.child)
    elif step.status is StepStatus.WAITING and _is_for_signal(step):
        if step.signal is None:
            yield Wait(kind=WaitKind.SIGNAL, step=step.name, until=step.waits_until)
    elif step.awaits and step.status is StepStatus.WAITING:
        yield Wait(kind=WaitKind.TIME, step=step.name, until=step.waits_until)
    elif step.awaits:
        yield Wait(kind=WaitKind.DELIVERY, step=step.name, until=step.scheduled_at)


def _is_for_signal(step: StepRecord) -> bool:
    """Return whether a waiting step waits for a signal. An older version did not record it."""
    return step.waits_for_signal or not (step.awaits or step.waits_until)
