"""The store and the queue as a run's processes see them: before and after what lasts, a point."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from lib.datastore import Key, Mutation, Query, Results
from lib.errors import AmendsError, Unavailable
from lib.saga.state.delivery import Delivery
from lib.saga.testing.memory.clock import VirtualClock
from lib.saga.testing.memory.deferred_lookup import look_up_in_parts
from lib.saga.testing.memory.entities import Memory
from lib.saga.testing.memory.queue import MemoryQueue
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.memory.transaction import MemoryTransaction
from lib.saga.testing.simulation.faults import (
    DEFERRALS,
    LATE_COMMITS,
    LOST_ANSWER,
    NOT_MADE,
    REFUSED,
    UNREAD,
    Fault,
    FaultKind,
)
from lib.saga.testing.simulation.history import History
from lib.saga.testing.simulation.process import Process, name_delivery

#: How long a call takes, so that what comes later has a later time.
LATENCY = timedelta(milliseconds=1)

#: What may become of a commit whose answer nobody gets.
UNANSWERED = (NOT_MADE, *LATE_COMMITS)


class FaultPoints(Protocol):
    """Who hears of every point that a process comes to."""

    clock: VirtualClock
    history: History
    queue: MemoryQueue

    @property
    def process(self) -> Process:
        """The process that runs now."""
        ...

    def reach(self, where: str, *faults: Fault) -> Fault | None:
        """Come to a point; return the fault that the caller itself has to carry out."""
        ...

    def meet(self, where: str, process: str, faults: tuple[Fault, ...]) -> Fault | None:
        """Come to a point at which only these faults matter; return the one that is chosen."""
        ...

    def let_overtake(self, fault: Fault) -> None:
        """Let other deliveries run while the process stands still, as many as the fault says."""
        ...

    def do_later(self, fault: Fault, name: str, act: Callable[[], None]) -> None:
        """Have something happen by itself, when a fault says."""
        ...


class FaultyStore(MemoryStore):
    """Reads and writes for the process that runs now, which may be killed before and after."""

    def __init__(self, memory: Memory, points: FaultPoints) -> None:
        super().__init__(memory, points.clock)
        self._points = points

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return what each key leads to; the engine's own lookups may fail, or come in parts."""
        deferral = self._read("lookup", *(DEFERRALS if len(keys) > 1 else ()))
        if deferral is None:
            return super().find_multi(keys)
        points = self._points
        return look_up_in_parts(
            self.memory, self._codecs, keys, lambda: points.let_overtake(deferral)
        )

    def run(self, query: Query[Any], limit: int = 100) -> Results[Any]:
        """Return the first `limit` results of a query; the engine's own may have no answer."""
        self._read("query")
        return super().run(query, limit)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        self._read("query")
        return super().count(query, up_to)

    def apply(self, *mutations: Mutation) -> list[Any]:
        """Write all of these or none; return what is now stored (deletes: None)."""
        if not mutations:
            return []
        send = super().apply
        return self._write(mutations, lambda: send(*mutations), may_be_unanswered=True)

    def commit(self, transaction: MemoryTransaction, mutations: Sequence[Mutation]) -> list[Any]:
        """Make a transaction's writes.

        A locking transaction finds out by its receipt how its commit ended.
        """
        send = super().commit
        optimistic = transaction.optimistic
        return self._write(
            mutations, lambda: send(transaction, mutations), may_be_unanswered=optimistic
        )

    def _read(self, what: str, *faults: Fault) -> Fault | None:
        """Come to the point of a read; return the fault that the caller has to carry out."""
        process = self._points.process
        process.live()
        process.moved = True
        self.clock.advance(LATENCY)
        if process.called or not (process.task or process.sweeps):
            return None
        fault = self._points.meet(f"a {what} of {process.name}", process.name, (UNREAD, *faults))
        if fault is UNREAD:
            raise Unavailable("the Datastore does not answer")
        return fault

    def _write(
        self,
        mutations: Sequence[Mutation],
        send: Callable[[], list[Any]],
        *,
        may_be_unanswered: bool,
    ) -> list[Any]:
        process = self._points.process
        process.live()
        self.clock.advance(LATENCY)
        what = f"the {'effect' if process.called else 'commit'} of {process.name}"
        fault = self._points.reach(f"before {what}", *(UNANSWERED if may_be_unanswered else ()))
        commit = self._make_commit(mutations, send, process)
        if fault is not None:
            if fault.kind is FaultKind.MADE_LATE:
                self._points.do_later(fault, what, lambda: _ignore_refusal(commit))
            raise Unavailable("whether it was written is not known: there was no answer")
        answer = commit()
        process.moved = process.durable = True
        if self._points.reach(f"after {what}", *((LOST_ANSWER,) if may_be_unanswered else ())):
            raise Unavailable("whether it was written is not known: the answer was lost")
        return answer

    def _make_commit(
        self, mutations: Sequence[Mutation], send: Callable[[], list[Any]], process: Process
    ) -> Callable[[], list[Any]]:
        """Return what writes, and has it written down for which call of an action it was."""
        number = process.called.number if process.called else None

        def commit() -> list[Any]:
            answer = send()
            if number is not None:
                self._points.history.note_commit(number, mutations)
            return answer

        return commit


def _ignore_refusal(commit: Callable[[], object]) -> None:
    try:
        commit()
    except AmendsError:
        return


class FaultyQueue:
    """Takes deliveries from the process that runs now, which may be killed before and after."""

    def __init__(self, points: FaultPoints) -> None:
        self._points = points

    def enqueue(self, delivery: Delivery) -> None:
        """Take a delivery; raise Unavailable if it was not taken, or if the answer was lost."""
        process = self._points.process
        process.live()
        self._points.clock.advance(LATENCY)
        what = f"the enqueue of {name_delivery(delivery)} by {process.name}"
        if self._points.reach(f"before {what}", REFUSED):
            raise Unavailable("the queue does not answer")
        self._points.queue.enqueue(delivery)
        process.moved = process.durable = True
        if self._points.reach(f"after {what}", LOST_ANSWER):
            raise Unavailable("the queue's answer was lost")
