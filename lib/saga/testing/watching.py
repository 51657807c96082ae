"""The store and the queue as a run's processes see them: before and after what lasts, a point."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from lib.datastore import Key, Mutation, Query, Results
from lib.errors import Unavailable
from lib.saga.delivery import Delivery
from lib.saga.testing.clock import VirtualClock
from lib.saga.testing.faults import LOST_ANSWER, REFUSED, UNREAD, Fault
from lib.saga.testing.ledger import Ledger
from lib.saga.testing.memory import Memory
from lib.saga.testing.process import Process, name_delivery
from lib.saga.testing.queue import MemoryQueue
from lib.saga.testing.store import MemoryStore
from lib.saga.testing.transaction import MemoryTransaction

#: How long a call takes, so that what comes later has a later time.
LATENCY = timedelta(milliseconds=1)


class Witness(Protocol):
    """Who is told of every point that a process comes to."""

    clock: VirtualClock
    ledger: Ledger
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


class WatchedStore(MemoryStore):
    """Reads and writes for the process that runs now, which may be killed before and after."""

    def __init__(self, memory: Memory, witness: Witness) -> None:
        super().__init__(memory, witness.clock)
        self._witness = witness

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return what each key leads to; the engine's own lookups may go without an answer."""
        self._note_read()
        process = self._witness.process
        if process.task and not process.called:
            where = f"a lookup of {process.name}"
            if self._witness.meet(where, process.name, (UNREAD,)):
                raise Unavailable("the Datastore does not answer")
        return super().find_multi(keys)

    def run(self, query: Query[Any], limit: int = 100) -> Results[Any]:
        """Return the first `limit` results of a query."""
        self._note_read()
        return super().run(query, limit)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        self._note_read()
        return super().count(query, up_to)

    def apply(self, *mutations: Mutation) -> list[Any]:
        """Write all of these or none; return what is now stored (deletes: None)."""
        if not mutations:
            return []
        return self._write(
            mutations, lambda: super(WatchedStore, self).apply(*mutations), LOST_ANSWER
        )

    def commit(self, transaction: MemoryTransaction, mutations: Sequence[Mutation]) -> list[Any]:
        """Make a transaction's writes."""
        return self._write(
            mutations,
            lambda: super(WatchedStore, self).commit(transaction, mutations),
            # A locking transaction finds out by its receipt how its commit ended.
            *((LOST_ANSWER,) if transaction.optimistic else ()),
        )

    def _note_read(self) -> None:
        process = self._witness.process
        process.live()
        process.moved = True
        self.clock.advance(LATENCY)

    def _write(
        self, mutations: Sequence[Mutation], send: Callable[[], list[Any]], *faults: Fault
    ) -> list[Any]:
        process = self._witness.process
        process.live()
        self.clock.advance(LATENCY)
        what = "effect" if process.called else "commit"
        self._witness.reach(f"before the {what} of {process.name}")
        answer = send()
        if process.called:
            self._witness.ledger.note_commit(process.called, mutations)
        process.moved = process.durable = True
        if self._witness.reach(f"after the {what} of {process.name}", *faults):
            raise Unavailable("whether it was written is not known: the answer was lost")
        return answer


class WatchedQueue:
    """Takes deliveries from the process that runs now, which may be killed before and after."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def enqueue(self, delivery: Delivery) -> None:
        """Take a delivery; raise Unavailable if it was not taken, or if the answer was lost."""
        process = self._witness.process
        process.live()
        self._witness.clock.advance(LATENCY)
        what = f"the enqueue of {name_delivery(delivery)} by {process.name}"
        if self._witness.reach(f"before {what}", REFUSED):
            raise Unavailable("the queue does not answer")
        self._witness.queue.enqueue(delivery)
        process.moved = process.durable = True
        if self._witness.reach(f"after {what}", LOST_ANSWER):
            raise Unavailable("the queue's answer was lost")
