"""Which deliveries a saga is waiting for, told from its records alone.

Because this is a function of the records, whoever finds a delivery stale can make sure of its
successors: the names come out the same, and the queue drops what it has had.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.saga.delivery import Delivery, Phase
from lib.saga.records import (
    ACTIVE,
    SagaRecord,
    SagaStatus,
    StepRecord,
    due_mark,
    shard_of,
)

#: How long past its time-out a delivery may take before the sweep takes it for lost.
GRACE = timedelta(seconds=10)


def outstanding(saga: SagaRecord, steps: Sequence[StepRecord]) -> tuple[Delivery, ...]:
    """Return the deliveries that an unfinished saga waits for; none when it is finished."""
    if saga.status not in ACTIVE:
        return ()
    step = steps[saga.current_step]
    compensating = saga.status is SagaStatus.ROLLING_BACK
    return (
        Delivery(
            saga_id=saga.id,
            steps=saga.total_steps,
            phase=Phase.COMPENSATE if compensating else Phase.EXECUTE,
            step=step.index,
            attempt=step.compensation_attempt if compensating else step.attempt,
            epoch=saga.epoch,
            at=step.scheduled_at or saga.updated_at,
            timeout=timedelta(seconds=step.timeout_seconds),
            traceparent=saga.traceparent,
        ),
    )


def due_mark_of(saga: SagaRecord, deliveries: Sequence[Delivery]) -> str | None:
    """Return the sweep's mark for a saga: when the last of its deliveries is overdue."""
    if not deliveries:
        return None
    latest = max(delivery.at + delivery.timeout for delivery in deliveries)
    return due_mark(shard_of(saga.id), latest + GRACE)


def is_overdue(saga: SagaRecord, now: datetime) -> bool:
    """Tell whether the sweep is to take a saga's outstanding delivery for lost."""
    return saga.due is not None and saga.due <= due_mark(shard_of(saga.id), now)
