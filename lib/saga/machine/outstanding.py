"""Which deliveries a saga is waiting for, told from its records alone.

Because this is a function of the records, whoever finds a delivery stale can make sure of its
successors: the names come out the same, and the queue drops what it has had.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.saga.definition.phase import Phase
from lib.saga.definition.steps import BRIEF
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import (
    ACTIVE,
    FINISHED,
    LOOK_PERIOD,
    UNFINISHED,
    SagaRecord,
    StepRecord,
    due_mark,
    look_mark,
    shard_of,
)
from lib.timing.backoff import Backoff

#: How long past its time-out a delivery may take before the sweep takes it for lost.
#: From the fourth on, each redelivery of one attempt is waited for twice as long as the one
#: before, up to the cap: a queue that stands still for hours is not to be filled by the sweep.
GRACE = Backoff(first=timedelta(seconds=10), cap=timedelta(hours=1))
QUICK_REDELIVERIES = 3


def outstanding(saga: SagaRecord, steps: Sequence[StepRecord]) -> tuple[Delivery, ...]:
    """Return the deliveries that a saga waits for, or that its parent waits for from it."""
    if saga.status in FINISHED and saga.parent_id and not saga.parent_notified:
        return (_news_of(saga),)
    if saga.status not in ACTIVE or saga.paused:
        return ()
    return tuple(_delivery_of(saga, step, step.awaits) for step in steps if step.awaits)


def _delivery_of(saga: SagaRecord, step: StepRecord, phase: Phase) -> Delivery:
    return Delivery(
        saga_id=saga.id,
        steps=saga.total_steps,
        phase=phase,
        step=step.index,
        attempt=step.attempt,
        epoch=step.epoch,
        at=step.scheduled_at or step.updated_at,
        timeout=timedelta(seconds=step.timeout_seconds),
        traceparent=saga.traceparent,
    )


def _news_of(saga: SagaRecord) -> Delivery:
    """Return the delivery that tells a saga's parent of its end."""
    return Delivery(
        saga_id=saga.parent_id,
        steps=saga.parent_steps,
        phase=Phase.CHILD,
        step=saga.parent_step,
        attempt=saga.sequence,
        epoch=saga.epoch,
        at=saga.updated_at,
        timeout=BRIEF,
        traceparent=saga.traceparent,
        child=saga.id,
    )


def overdue_at(delivery: Delivery) -> datetime:
    """Return when the sweep is to take a delivery for lost."""
    redeliveries = max(1, delivery.epoch - QUICK_REDELIVERIES + 1)
    return delivery.at + delivery.timeout + GRACE.ceiling(redeliveries)


def due_of(saga: SagaRecord, deliveries: Sequence[Delivery], now: datetime) -> str | None:
    """Return the sweep's mark for a saga: when the first of its deliveries is overdue.

    An unfinished saga that has none so soon is looked at all the same.
    """
    first = min(map(overdue_at, deliveries), default=None)
    if saga.status in UNFINISHED and (first is None or first > now + LOOK_PERIOD):
        return look_mark(shard_of(saga.id), now + LOOK_PERIOD)
    return None if first is None else due_mark(shard_of(saga.id), first)


def is_overdue(saga: SagaRecord, now: datetime) -> bool:
    """Tell whether the sweep is to see to a saga: a delivery is overdue, or its look is due."""
    shard = shard_of(saga.id)
    return saga.due is not None and any(
        mark(shard, datetime.min) <= saga.due <= mark(shard, now) for mark in (due_mark, look_mark)
    )


def is_awaited(delivery: Delivery, awaited: Sequence[Delivery]) -> bool:
    """Tell whether a delivery is one of those that its saga waits for.

    The epoch does not count: a delivery that the sweep took for lost and that comes after all is
    as good as its replacement, and under a backlog it is the one that gets through.
    """
    wanted = ((each.phase, each.step, each.attempt) for each in awaited)
    return (delivery.phase, delivery.step, delivery.attempt) in wanted
