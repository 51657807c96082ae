"""The message that makes the worker run one action of a saga, and its task name."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.saga.definition.phase import Phase

#: Cloud Tasks takes dispatch deadlines from 15 seconds to 30 minutes.
MIN_DISPATCH_DEADLINE, MAX_DISPATCH_DEADLINE = timedelta(seconds=15), timedelta(minutes=30)

#: The time that a delivery needs besides its action: for the lookup, the commit and the enqueue.
OVERHEAD = timedelta(seconds=10)

NO_ROOM = timedelta(0)

#: How long one task's invocation can keep running further steps of an inline-chained saga.
INLINE_ROOM = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One task: run `phase` of the step at index `step`, attempt `attempt`, not before `at`.

    `child` is the id of the child saga that has ended.
    """

    saga_id: str
    phase: Phase
    step: int
    attempt: int
    epoch: int
    at: datetime
    timeout: timedelta
    #: The W3C Trace Context of the request that started the saga: one saga is one trace.
    traceparent: str = ""
    child: str = ""
    #: How long its invocation can keep running the next steps.
    room: timedelta = NO_ROOM

    @property
    def dispatch_deadline(self) -> timedelta:
        """How long Cloud Tasks waits for the answer before it dispatches the task again."""
        wanted = self.timeout + self.room + OVERHEAD
        return min(max(wanted, MIN_DISPATCH_DEADLINE), MAX_DISPATCH_DEADLINE)

    @property
    def task_name(self) -> str:
        """A deterministic, unique task name, so that Cloud Tasks drops duplicates.

        It is hashed because Cloud Tasks slows down on sequential names and common prefixes.
        """
        parts = (self.saga_id, self.phase, self.step, self.attempt, self.epoch, self.child)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def jitter_of(saga_id: str, step: int, attempt: int) -> float:
    """Return a number in [0, 1) for the pause after an attempt: uniform, but reproducible."""
    digest = hashlib.sha256(f"{saga_id}\n{step}\n{attempt}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
