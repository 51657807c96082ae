"""The entities of a saga: its record, and what has outgrown it. They decide nothing themselves.

A `Saga` holds its steps, as embedded entities, and its newest events. Older events are in
`SagaEvents` below it and large values in `SagaValue`: `layout` moves them there.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from lib.datastore import (
    Excluded,
    Flatten,
    Id,
    Indexed,
    OmitEmpty,
    Parent,
    Renamed,
    Version,
    entity,
)
from lib.saga.definition.phase import Phase
from lib.saga.state.cost import NOTHING, Cost


class SagaStatus(StrEnum):
    """The guide's states of a saga."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


#: The sweep looks at an unfinished saga at least this often, whatever it waits for.
LOOK_PERIOD = timedelta(days=1)

#: This long after a pause or a resume the sweep checks that a saga's children have followed.
PASS_ON_PERIOD = timedelta(minutes=1)

#: The states of a saga that goes forward.
FORWARD = frozenset({SagaStatus.PENDING, SagaStatus.RUNNING})

#: The states in which a saga moves without an operator.
ACTIVE = FORWARD | {SagaStatus.ROLLING_BACK}

#: The states that a saga never leaves, except to follow its parent's rollback.
FINISHED = frozenset({SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK})

UNFINISHED = ACTIVE | {SagaStatus.FAILED}


class StepStatus(StrEnum):
    """The states of a step."""

    PENDING = "PENDING"
    #: It waits for a time, for a signal or for a child saga.
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    #: Its condition, or an operator, skipped it.
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    #: Ended early, because the saga rolls back.
    CANCELLED = "CANCELLED"
    COMPENSATED = "COMPENSATED"
    COMPENSATION_FAILED = "COMPENSATION_FAILED"


@entity(kind="SagaStep")
@dataclass(slots=True, kw_only=True)
class StepRecord:
    """One step of one saga: an embedded entity of the saga's record.

    Each JSON value is either the text itself or a reference: see `values`.
    """

    #: The step's position from 0.
    index: Annotated[int, Renamed("step_index")]
    name: str
    service: Annotated[str, Renamed("service_name")]
    status: StepStatus = StepStatus.PENDING
    #: The phase of the outstanding delivery, if there is one.
    awaits: Annotated[Phase | None, OmitEmpty] = None
    #: The number of the outstanding or last attempt, over all phases.
    attempt: Annotated[int, OmitEmpty] = 0
    #: The first attempt that counts against the retry policy of the current phase.
    first_attempt: Annotated[int, OmitEmpty] = 0
    #: Raised when an attempt has to be enqueued again under a new task name.
    epoch: Annotated[int, OmitEmpty] = 0
    #: The effect may have been applied, whatever happened later.
    maybe_applied: Annotated[bool, OmitEmpty, Renamed("uncertain")] = False
    #: No dispatch of the outstanding attempt has begun to run it. Recorded for pivots only; for
    #: other steps this is unknown, and False.
    unbegun: Annotated[bool, OmitEmpty] = False
    #: The outstanding attempt has no task: the invocation that committed it runs it.
    inline: Annotated[bool, OmitEmpty] = False
    #: When the outstanding delivery should run, and its time limit in seconds.
    scheduled_at: Annotated[datetime | None, OmitEmpty] = None
    timeout_seconds: Annotated[float, OmitEmpty] = 0.0
    #: When the wait ends. The delivery may be earlier: Cloud Tasks schedules only so far ahead.
    waits_until: Annotated[datetime | None, OmitEmpty] = None
    #: The type of a signal's payload, or of the output, when the saga began; "" if it has none.
    needs: Annotated[str, OmitEmpty] = ""
    #: The payload of a received signal, as JSON.
    signal: Annotated[str | None, OmitEmpty] = None
    #: If the step waits, it waits for a signal.
    waits_for_signal: Annotated[bool, OmitEmpty] = False
    #: The id of the child saga, once it was started.
    child: Annotated[str, OmitEmpty] = ""
    #: The input of the step: the saga's payload, or the payload of its child.
    input: Annotated[str | None, OmitEmpty] = None
    output: Annotated[str | None, OmitEmpty] = None
    error: Annotated[str, OmitEmpty] = ""
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether the step is in flight or waiting."""
        return self.awaits is not None or self.status is StepStatus.WAITING

    @property
    def is_unbegun(self) -> bool:
        """Whether the step has not been started, and nothing is scheduled for it."""
        return self.status is StepStatus.PENDING and self.awaits is None

    @property
    def has_failed(self) -> bool:
        """Whether the step, or its compensation, has failed permanently."""
        return self.status in (StepStatus.FAILED, StepStatus.COMPENSATION_FAILED)

    @property
    def tries(self) -> int:
        """The number of attempts of the current action since the operator's last retry."""
        return self.attempt - self.first_attempt + 1 if self.attempt else 0


@entity(kind="Saga")
@dataclass(slots=True, kw_only=True)
class SagaRecord:
    """A saga in one record. Each commit of the engine checks and raises its Datastore version."""

    id: Id[str]
    name: Indexed[str]
    definition_version: Indexed[int]
    fingerprint: Indexed[str]
    #: The types of payload, signals and outputs when the saga began; "" in sagas older than this.
    types: Annotated[str, Indexed, OmitEmpty] = ""
    status: Indexed[SagaStatus]
    #: The index of the first step of the stage that the saga is at.
    current_step: int = 0
    total_steps: int
    payload: str
    #: Why the saga was rolled back.
    error: str = ""
    #: The number of events so far; the next event's id is one more.
    sequence: int = 0
    #: Why the saga will roll back once the steps in flight have ended.
    stopping: Annotated[str, OmitEmpty] = ""
    paused: Annotated[bool, Indexed, OmitEmpty] = False
    #: The number of the event that last paused or resumed the saga.
    pause_number: Annotated[int, OmitEmpty] = 0
    #: The state that a parked saga was in.
    parked_in: Annotated[SagaStatus | None, OmitEmpty] = None
    parked_because: Annotated[str, OmitEmpty] = ""
    #: An operator, and not its last step, has ended the saga.
    closed_by_hand: Annotated[bool, OmitEmpty] = False
    #: The number of the event for which an operator is needed: there is a dead letter until an
    #: operator has handled it. The saga may still move.
    incident: Annotated[int, OmitEmpty] = 0
    #: The last requests of operators that were applied. Each has a digest, the sequence of the saga
    #: that it was made for (if it named one), and its id.
    requests: Annotated[list[str], OmitEmpty] = field(default_factory=list)
    deadline_at: Annotated[datetime | None, OmitEmpty] = None
    #: The number of attempts beyond the first of each action.
    retries: Indexed[int] = 0
    #: When the sweep should look at the saga, as `due_mark` writes it.
    due: Annotated[str | None, Indexed, OmitEmpty] = None
    #: The sweep has redelivered it, and it has not moved since: the first of these redeliveries.
    stands: Annotated[bool, Indexed, OmitEmpty] = False
    stands_since: Annotated[datetime | None, OmitEmpty] = None
    traceparent: Annotated[str, OmitEmpty] = ""
    #: It began with inline chaining: an invocation can run the next step too.
    inline: Annotated[bool, OmitEmpty] = False
    #: The parent saga, and the index of the step that this saga is.
    parent_id: Annotated[str, OmitEmpty] = ""
    parent_step: Annotated[int, OmitEmpty] = 0
    #: The parent has recorded the end of this saga.
    parent_notified: Annotated[bool, OmitEmpty, Renamed("parent_told")] = False
    #: The parent's `pause_number` that this saga has followed.
    parent_pause: Annotated[int, OmitEmpty] = 0
    #: How often the parent was notified again.
    epoch: Annotated[int, OmitEmpty] = 0
    #: The output of a child saga for its parent: that of its last step.
    result: Annotated[str | None, OmitEmpty] = None
    steps: list[StepRecord] = field(default_factory=list)
    #: The newest events, each as JSON: an event is written once, and no delivery reads it.
    events: Annotated[list[str], OmitEmpty] = field(default_factory=list)
    #: The names of all `SagaSteps` entities, which hold the steps that are not in `steps`.
    step_pages: Annotated[list[str], OmitEmpty] = field(default_factory=list)
    #: The number of `SagaEvents` entities, which hold the older events.
    pages: Annotated[int, OmitEmpty] = 0
    #: The names of all `SagaValue` entities, including those no longer in use.
    values: Annotated[list[str], OmitEmpty] = field(default_factory=list)
    #: What the saga has cost, up to the commit that wrote this.
    cost: Flatten[Cost] = NOTHING
    #: What it has cost since: the next commit adds it.
    unsaved_cost: Annotated[Cost, Excluded] = field(default=NOTHING, compare=False, repr=False)
    created_at: datetime
    #: `created_at` in a form whose index takes any write rate: see `lib.timing.time_marks`.
    created_mark: Indexed[str]
    updated_at: datetime
    #: The time mark of its end, once it is finished.
    ended_mark: Annotated[str, Indexed, OmitEmpty] = ""
    version: Version = 0

    @property
    def state(self) -> str:
        """The status, and whether the saga is paused, for a message."""
        return f"{self.status}, paused" if self.paused else str(self.status)

    @property
    def course(self) -> SagaStatus:
        """The status; for a parked saga, the status in which it continues after a retry."""
        parked = self.status is SagaStatus.FAILED
        return (self.parked_in or SagaStatus.RUNNING) if parked else self.status


class Loaded(NamedTuple):
    """A saga and its steps in order."""

    saga: SagaRecord
    steps: list[StepRecord]

    @property
    def children(self) -> list[str]:
        """The ids of the sagas that the saga waits for."""
        waiting = (step for step in self.steps if step.status is StepStatus.WAITING)
        return [step.child for step in waiting if step.child]


class EventRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the audit trail: what changed, from what to what, when, why and by whom."""

    #: Its number, from 1.
    id: int
    at: datetime
    #: If it records the end of an attempt: when that began to run.
    began_at: datetime | None = None
    #: The step's name; empty when the saga itself changed.
    step: str = ""
    from_status: str
    to_status: str
    attempt: int = 0
    #: One of `Cause`; text, so that an older deployment can read what a newer one has written.
    cause: str
    actor: str = ""
    #: What went wrong, or the reason that an operator gave.
    error: str = ""


@entity(kind="SagaEvents")
@dataclass(slots=True, kw_only=True)
class EventPage:
    """Older events of a saga, as JSON and in order; pages are numbered from 1."""

    saga_id: Parent[str]
    id: Id[int]
    events: list[str]
    version: Version = 0


@entity(kind="SagaSteps")
@dataclass(slots=True, kw_only=True)
class StepPage:
    """Steps of a saga that has too many for its record; see `step_pages`."""

    saga_id: Parent[str]
    id: Id[str]
    steps: list[StepRecord]
    version: Version = 0


@entity(kind="SagaValue")
@dataclass(slots=True, kw_only=True)
class ValueRecord:
    """A value that is too large for the saga's record, as JSON; its id is a digest of it."""

    saga_id: Parent[str]
    id: Id[str]
    text: str
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class DeadLetter:
    """The mark of a saga that needs an operator; deleted once an operator has handled it."""

    id: Id[str]
    name: Indexed[str]
    step: str
    reason: str
    #: The number of the event that parked it: id and number together identify the alert.
    sequence: int
    #: The alert has been logged.
    alerted: Indexed[bool] = False
    created_at: datetime
    #: `created_at` in a form whose index takes any write rate: see `lib.timing.time_marks`.
    created_mark: Indexed[str]
    version: Version = 0


def due_mark(shard: int, at: datetime) -> str:
    """Return a due time as an index value, ordered by shard, then by time in UTC."""
    return f"{shard:02d}|{at:%Y-%m-%dT%H:%M:%S.%f}"


def look_mark(shard: int, at: datetime) -> str:
    """Return the mark of a waiting saga's next look; it sorts apart from due times."""
    return f"look-{due_mark(shard, at)}"


def purge_mark(shard: int, at: datetime) -> str:
    """Return the mark of a finished saga's purge; it sorts apart from due times."""
    return f"purge-{due_mark(shard, at)}"
