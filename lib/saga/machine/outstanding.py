"""Which deliveries a saga waits for: a function of its records alone.

A stale delivery can therefore enqueue its successors again: their task names are the same, so Cloud
Tasks drops duplicates.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.saga.definition.element import MAX_PLAIN_DELIVERY
from lib.saga.definition.phase import Phase
from lib.saga.state.delivery import INLINE_ROOM, NO_ROOM, Delivery
from lib.saga.state.records import (
    ACTIVE,
    FINISHED,
    LOOK_PERIOD,
    UNFINISHED,
    SagaRecord,
    StepRecord,
    due_mark,
    look_mark,
)
from lib.timing.backoff import Backoff
from lib.timing.time_marks import shard_of

#: The time after its timeout when the sweep counts a delivery as lost. From the fourth redelivery
#: of an attempt on, it doubles each time up to the maximum, so that the sweep does not fill a queue
#: that is stopped for hours.
GRACE = Backoff(first=timedelta(seconds=10), cap=timedelta(hours=1))
QUICK_REDELIVERIES = 3


def outstanding(saga: SagaRecord, steps: Sequence[StepRecord]) -> tuple[Delivery, ...]:
    """Return the deliveries that a saga waits for; for a finished child, its notification."""
    if saga.status in FINISHED and saga.parent_id and not saga.parent_notified:
        return (_notification_of(saga),)
    if saga.status not in ACTIVE or saga.paused:
        return ()
    return tuple(_delivery_of(saga, step, step.awaits) for step in steps if step.awaits)


def to_enqueue(saga: SagaRecord, steps: Sequence[StepRecord]) -> tuple[Delivery, ...]:
    """Return the outstanding deliveries, without one that an invocation may be running inline.

    The sweep gives such a delivery a task, and so does the invocation's own task once that comes
    again without having been answered.
    """
    return tuple(
        delivery
        for delivery in outstanding(saga, steps)
        if delivery.phase is Phase.CHILD or delivery.epoch or not steps[delivery.step].inline
    )


def _delivery_of(saga: SagaRecord, step: StepRecord, phase: Phase) -> Delivery:
    return Delivery(
        saga_id=saga.id,
        phase=phase,
        step=step.index,
        attempt=step.attempt,
        epoch=step.epoch,
        at=step.scheduled_at or step.updated_at,
        timeout=timedelta(seconds=step.timeout_seconds),
        traceparent=saga.traceparent,
        room=INLINE_ROOM if saga.inline else NO_ROOM,
    )


def _notification_of(saga: SagaRecord) -> Delivery:
    """Return the delivery that notifies a saga's parent of its end."""
    return Delivery(
        saga_id=saga.parent_id,
        phase=Phase.CHILD,
        step=saga.parent_step,
        attempt=saga.sequence,
        epoch=saga.epoch,
        at=saga.updated_at,
        timeout=MAX_PLAIN_DELIVERY,
        traceparent=saga.traceparent,
        child=saga.id,
    )


def overdue_at(delivery: Delivery) -> datetime:
    """Return the time when the sweep counts a delivery as lost."""
    redeliveries = max(1, delivery.epoch - QUICK_REDELIVERIES + 1)
    return delivery.at + delivery.timeout + GRACE.ceiling(redeliveries)


def due_of(
    saga: SagaRecord,
    deliveries: Sequence[Delivery],
    now: datetime,
    *,
    look_in: timedelta = LOOK_PERIOD,
) -> str | None:
    """Return the sweep's mark for a saga: the time when its first delivery is overdue.

    If no delivery is due that soon, an unfinished saga is marked for a look after `look_in`.
    """
    first = min(map(overdue_at, deliveries), default=None)
    if saga.status in UNFINISHED and (first is None or first > now + look_in):
        return look_mark(shard_of(saga.id), now + look_in)
    return None if first is None else due_mark(shard_of(saga.id), first)


def is_overdue(saga: SagaRecord, now: datetime) -> bool:
    """Return whether the sweep must handle a saga: a delivery is overdue, or its look is due."""
    shard = shard_of(saga.id)
    return saga.due is not None and any(
        mark(shard, datetime.min) <= saga.due <= mark(shard, now) for mark in (due_mark, look_mark)
    )


def is_awaited(delivery: Delivery, awaited: Sequence[Delivery]) -> bool:
    """Return whether a delivery is one of those that its saga waits for.

    The epoch is not compared: a delivery that the sweep counted as lost may still arrive, before
    its replacement, and does the same.
    """
    wanted = ((each.phase, each.step, each.attempt) for each in awaited)
    return (delivery.phase, delivery.step, delivery.attempt) in wanted
