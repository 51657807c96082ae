"""What a saga leaves in Datastore: a root, a child for each step, a child for each event.

Nothing here decides anything: the machine does.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from lib.datastore import Expires, Id, Indexed, OmitEmpty, Parent, Renamed, Version, entity
from lib.saga.definition.phase import Phase

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


#: The sweep looks at an unfinished saga at least so often, whatever it waits for.
LOOK_PERIOD = timedelta(days=1)

#: The states of a saga that goes forward.
FORWARD = frozenset({SagaStatus.PENDING, SagaStatus.RUNNING})

#: The states in which a saga moves by itself.
ACTIVE = FORWARD | {SagaStatus.ROLLING_BACK}

#: The states that a saga stays in.
FINISHED = frozenset({SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK})

UNFINISHED = ACTIVE | {SagaStatus.FAILED}


class StepStatus(StrEnum):
    """The states of a step."""

    PENDING = "PENDING"
    #: For a time, for a signal, or for a child saga.
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    #: By its condition, or by an operator.
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    #: Given up before its end, because the saga goes back.
    CANCELLED = "CANCELLED"
    COMPENSATED = "COMPENSATED"
    COMPENSATION_FAILED = "COMPENSATION_FAILED"


@entity(kind="Saga")
@dataclass(slots=True, kw_only=True)
class SagaRecord:
    """A saga's root: every commit of the engine checks and raises its Datastore version."""

    id: Id[str]
    name: Indexed[str]
    definition_version: Indexed[int]
    fingerprint: Indexed[str]
    #: The types of payload, signals and outputs when the saga began; "" before they were noted.
    types: Annotated[str, Indexed, OmitEmpty] = ""
    status: Indexed[SagaStatus]
    #: The index of the first step of the stage that the saga is at.
    current_step: int = 0
    total_steps: int
    payload: str
    #: Why the saga went back.
    error: str = ""
    #: The number of events so far: the next event's id is one more, and so it fences calls.
    sequence: int = 0
    #: Why the saga is to be rolled back once the steps in flight have ended.
    stopping: Annotated[str, OmitEmpty] = ""
    paused: Annotated[bool, Indexed, OmitEmpty] = False
    #: The number of the event that last paused or resumed the saga.
    pause_number: Annotated[int, OmitEmpty] = 0
    #: The state that a parked saga was in.
    parked_in: Annotated[SagaStatus | None, OmitEmpty] = None
    parked_because: Annotated[str, OmitEmpty] = ""
    #: The number of the event that called an operator: there is a dead letter until one has dealt
    #: with it. The saga may still move.
    incident: Annotated[int, OmitEmpty] = 0
    #: The last operators' requests that were carried out: of each a digest, the sequence of the
    #: saga that it was meant for, if it named one, and its id.
    requests: Annotated[list[str], OmitEmpty] = field(default_factory=list)
    deadline_at: Annotated[datetime | None, OmitEmpty] = None
    #: How many attempts were made beyond the first of each action.
    retries: Indexed[int] = 0
    #: When the sweep is to look at the saga, as `due_mark` writes it.
    due: Annotated[str | None, Indexed, OmitEmpty] = None
    traceparent: Annotated[str, OmitEmpty] = ""
    #: The saga that this one is a step of, that step's index, and the number of its steps.
    parent_id: Annotated[str, OmitEmpty] = ""
    parent_step: Annotated[int, OmitEmpty] = 0
    parent_steps: Annotated[int, OmitEmpty] = 0
    #: The parent has heard of this saga's end.
    parent_notified: Annotated[bool, OmitEmpty, Renamed("parent_told")] = False
    #: The parent's `pause_number` that this saga has followed.
    parent_pause: Annotated[int, OmitEmpty] = 0
    #: How often the parent was told again.
    epoch: Annotated[int, OmitEmpty] = 0
    #: What a child saga hands to its parent: the output of its last step.
    result: Annotated[str | None, OmitEmpty] = None
    created_at: Indexed[datetime]
    updated_at: Indexed[datetime]
    #: When the sweep deletes the saga. Not a TTL mark: its effects have to go with it.
    expires_at: Annotated[datetime | None, OmitEmpty] = None
    version: Version = 0

    @property
    def state(self) -> str:
        """The status, and whether the saga is paused, for a person."""
        return f"{self.status}, paused" if self.paused else str(self.status)

    @property
    def course(self) -> SagaStatus:
        """The status; of a parked saga, the one that it was parked in and goes on with."""
        parked = self.status is SagaStatus.FAILED
        return (self.parked_in or SagaStatus.RUNNING) if parked else self.status


@entity(kind="SagaStep")
@dataclass(slots=True, kw_only=True)
class StepRecord:
    """One step of one saga; its id is its position from 1, since Datastore has no id 0."""

    saga_id: Parent[str]
    id: Id[int]
    name: str
    service: str
    status: StepStatus = StepStatus.PENDING
    #: What the outstanding delivery does, if one is outstanding.
    awaits: Annotated[Phase | None, OmitEmpty] = None
    #: The number of the attempt that is outstanding or was the last, over all phases.
    attempt: int = 0
    #: The first attempt that counts against the policy of the present phase.
    first_attempt: int = 0
    #: Raised when an attempt has to be enqueued again under a new task name.
    epoch: Annotated[int, OmitEmpty] = 0
    #: The effect may have happened, whatever came after.
    maybe_applied: Annotated[bool, Renamed("uncertain")] = False
    #: No dispatch of the outstanding attempt has begun to run it. Only of a pivot is that recorded:
    #: of any other step nobody knows, and it is False.
    unbegun: Annotated[bool, OmitEmpty] = False
    #: When the outstanding delivery is to run, and for how many seconds it may.
    scheduled_at: datetime | None = None
    timeout_seconds: float = 0.0
    #: When the wait is over; the delivery may be earlier, for a task cannot be that far off.
    waits_until: Annotated[datetime | None, OmitEmpty] = None
    #: What a signal's payload, or the output, needed to have when the saga began; "" if anything.
    needs: Annotated[str, OmitEmpty] = ""
    #: The payload of a signal that has come, as JSON.
    signal: Annotated[str | None, OmitEmpty] = None
    #: What the step waits for, if it waits, is a signal.
    waits_for_signal: Annotated[bool, OmitEmpty] = False
    #: The id of the child saga, once it has been started.
    child: Annotated[str, OmitEmpty] = ""
    output: Annotated[str | None, OmitEmpty] = None
    error: str = ""
    updated_at: datetime
    expires_at: Expires = None
    version: Version = 0

    @property
    def index(self) -> int:
        """The step's position from 0."""
        return self.id - 1

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of the step in its present stage."""
        return self.awaits is not None or self.status is StepStatus.WAITING

    @property
    def is_unbegun(self) -> bool:
        """Whether nothing of the step has been done, and nothing is to come by itself."""
        return self.status is StepStatus.PENDING and self.awaits is None

    @property
    def has_failed(self) -> bool:
        """Whether the step, or its compensation, has failed for good."""
        return self.status in (StepStatus.FAILED, StepStatus.COMPENSATION_FAILED)

    @property
    def tries(self) -> int:
        """How often the present action was tried, since the operator's last retry."""
        return self.attempt - self.first_attempt + 1 if self.attempt else 0


class Loaded(NamedTuple):
    """A saga's root and its steps in order."""

    saga: SagaRecord
    steps: list[StepRecord]

    @property
    def children(self) -> list[str]:
        """The ids of the sagas that the saga waits for."""
        waiting = (step for step in self.steps if step.status is StepStatus.WAITING)
        return [step.child for step in waiting if step.child]


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
    #: One of `Cause`; text, so that an older deployment can read what a newer one has written.
    cause: str
    actor: str
    #: What went wrong, or the reason that an operator has given.
    error: str
    expires_at: Expires = None
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class DeadLetter:
    """A parked saga, by its id: it waits here until an operator has dealt with it."""

    id: Id[str]
    name: Indexed[str]
    step: str
    reason: str
    #: The number of the event that parked it: with the id, it names the alert.
    sequence: int
    #: The alert has been logged.
    alerted: Indexed[bool] = False
    created_at: Indexed[datetime]
    version: Version = 0


def shard_of(saga_id: str) -> int:
    """Return the range of the sweep's index that a saga belongs to."""
    return hashlib.sha256(saga_id.encode()).digest()[0] % SHARDS


def due_mark(shard: int, at: datetime) -> str:
    """Return `at` as the sweep's index orders it: within its shard, to the microsecond, UTC."""
    return f"{shard:02d}|{at:%Y-%m-%dT%H:%M:%S.%f}"


def look_mark(shard: int, at: datetime) -> str:
    """Return when the sweep is to look at a saga that waits: apart from what is overdue."""
    return f"look-{due_mark(shard, at)}"


def purge_mark(shard: int, at: datetime) -> str:
    """Return when a finished saga is to be purged: apart from what is due, so as not to hide it."""
    return f"purge-{due_mark(shard, at)}"
