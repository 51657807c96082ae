"""The first record of a saga, started by a caller or as a step of another saga."""

from datetime import datetime

from lib.saga.definition.child import Child
from lib.saga.definition.saga import Chaining, Saga
from lib.saga.state.records import SagaRecord, SagaStatus, StepRecord
from lib.timing.time_marks import time_mark


def new_saga(
    definition: Saga, saga_id: str, payload: str, now: datetime, *, traceparent: str = ""
) -> SagaRecord:
    """Return the record of a saga that begins now; `payload` is canonical JSON."""
    return SagaRecord(
        id=saga_id,
        name=definition.name,
        definition_version=definition.version,
        fingerprint=definition.fingerprint,
        types=definition.types,
        status=SagaStatus.PENDING,
        total_steps=len(definition.elements),
        payload=payload,
        deadline_at=None if definition.deadline is None else now + definition.deadline,
        traceparent=traceparent,
        inline=definition.chaining is Chaining.INLINE,
        created_at=now,
        created_mark=time_mark(saga_id, now),
        updated_at=now,
    )


def new_child(
    element: Child, parent: SagaRecord, step: StepRecord, payload: str, now: datetime
) -> SagaRecord:
    """Return the record of a step's child: saga `order-1:ship`, then `order-1:ship~2`.

    Such an id is always free, because callers' ids have no colon.
    """
    again = int(step.child.rpartition("~")[2]) + 1 if "~" in step.child else 2
    suffix = f"~{again}" if step.child else ""
    child_id = f"{parent.id}:{element.name}{suffix}"
    child = new_saga(element.saga, child_id, payload, now, traceparent=parent.traceparent)
    child.parent_id, child.parent_step = parent.id, step.index
    return child
