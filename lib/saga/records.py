"""What a saga leaves in Datastore: a root, a child for each step, a child for each event.

Nothing here decides anything: the machine does.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from lib.datastore import Id, Indexed, OmitEmpty, Parent, Version, entity

#: Unfinished sagas are spread over this many ranges of the sweep's index, so that due times,
#: which only ever rise, do not make one hot spot of it.
SHARDS = 8


class SagaStatus(StrEnum):
    """The guide's states of a saga."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


#: The states in which a delivery is outstanding.
ACTIVE = frozenset({SagaStatus.PENDING, SagaStatus.RUNNING, SagaStatus.ROLLING_BACK})


class StepStatus(StrEnum):
    """The states of a step."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    COMPENSATED = "COMPENSATED"


@entity(kind="Saga")
@dataclass(slots=True, kw_only=True)
class SagaRecord:
    """A saga's root: every commit of the engine checks and raises its Datastore version."""

    id: Id[str]
    name: Indexed[str]
    definition_version: int
    fingerprint: str
    status: Indexed[SagaStatus]
    current_step: int = 0
    total_steps: int
    payload: str
    error: str = ""
    #: The number of events so far: the next event's id is one more, and so it fences calls.
    sequence: int = 0
    #: Raised when a delivery has to be enqueued again under a new task name.
    epoch: int = 0
    cancel_requested: bool = False
    #: When the sweep takes the outstanding delivery for lost, as `due_mark` writes it.
    due: Annotated[str | None, Indexed, OmitEmpty] = None
    traceparent: Annotated[str, OmitEmpty] = ""
    created_at: Indexed[datetime]
    updated_at: Indexed[datetime]
    version: Version = 0


@entity(kind="SagaStep")
@dataclass(slots=True, kw_only=True)
class StepRecord:
    """One step of one saga; its id is its position from 1, since Datastore has no id 0."""

    saga_id: Parent[str]
    id: Id[int]
    name: str
    service: str
    status: StepStatus = StepStatus.PENDING
    #: The number of the attempt that is outstanding or was the last; 0 before the first.
    attempt: int = 0
    compensation_attempt: int = 0
    #: An attempt ended without an answer: the effect may have happened whatever came after.
    uncertain: bool = False
    #: When the outstanding delivery is to run, and for how many seconds it may.
    scheduled_at: datetime | None = None
    timeout_seconds: float = 0.0
    output: Annotated[str | None, OmitEmpty] = None
    error: str = ""
    updated_at: datetime
    version: Version = 0

    @property
    def index(self) -> int:
        """The step's position from 0."""
        return self.id - 1


@entity(kind="SagaEvent")
@dataclass(slots=True, kw_only=True)
class EventRecord:
    """One line of the audit trail: what changed, from what to what, when, why and by whom."""

    saga_id: Parent[str]
    id: Id[int]
    at: datetime
    #: The step's name, or empty when the saga itself changed.
    step: str
    from_status: str
    to_status: str
    attempt: int
    cause: str
    actor: str
    error: str
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class DeadLetter:
    """A parked saga, by its id: it waits here until an operator has dealt with it."""

    id: Id[str]
    name: Indexed[str]
    step: str
    reason: str
    created_at: Indexed[datetime]
    version: Version = 0


def shard_of(saga_id: str) -> int:
    """Return the range of the sweep's index that a saga belongs to."""
    return hashlib.sha256(saga_id.encode()).digest()[0] % SHARDS


def due_mark(shard: int, at: datetime) -> str:
    """Return `at` as the sweep's index orders it: within its shard, to the microsecond, UTC."""
    return f"{shard:02d}|{at:%Y-%m-%dT%H:%M:%S.%f}"
