"""The store as a run's processes see it, with a fault point before and after each write."""

from collections.abc import Callable, Sequence
from typing import Any

from lib.datastore import Key, Mutation, Query, Results
from lib.errors import AmendsError, Unavailable
from lib.saga.testing.memory.entities import Memory
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.memory.transaction import MemoryTransaction
from lib.saga.testing.simulation.faults.kinds import (
    LATE_COMMITS,
    LOST_ANSWER,
    NOT_MADE,
    UNREAD,
    Fault,
    FaultKind,
)
from lib.saga.testing.simulation.processes.process import Process
from lib.saga.testing.simulation.processes.processes import LATENCY, Processes

#: The faults of a commit without an answer.
UNANSWERED = (NOT_MADE, *LATE_COMMITS)


class FaultyStore(MemoryStore):
    """Reads and writes for the current process, which may be killed before or after."""

    def __init__(self, memory: Memory, processes: Processes) -> None:
        super().__init__(memory, processes.clock)
        self._processes = processes

    def find_multi(self, keys: Sequence[Key[Any]]) -> list[Any]:
        """Return the entity of each key; the engine's own lookups may have no answer."""
        self._read("lookup")
        return super().find_multi(keys)

    def run(self, query: Query[Any], limit: int = 100) -> Results[Any]:
        """Return the first `limit` results of a query; the engine's own may have no answer."""
        self._read("query")
        return super().run(query, limit)

    def count(self, query: Query[Any], up_to: int | None = None) -> int:
        """Count a query's results, stopping at `up_to`."""
        self._read("query")
        return super().count(query, up_to)

    def apply(self, *mutations: Mutation) -> list[Any]:
        """Apply mutations atomically; return the stored entities (None for deletes)."""
        if not mutations:
            return []
        send = super().apply
        return self._write(mutations, lambda: send(*mutations), may_be_unanswered=True)

    def commit(self, transaction: MemoryTransaction, mutations: Sequence[Mutation]) -> list[Any]:
        """Apply a transaction's writes.

        A locking transaction writes a receipt, so it is never unknown whether it was committed.
        """
        send = super().commit
        optimistic = transaction.optimistic
        return self._write(
            mutations, lambda: send(transaction, mutations), may_be_unanswered=optimistic
        )

    def _read(self, what: str) -> None:
        """Reach the point of a read; raise Unavailable if that fault is chosen."""
        process = self._processes.current
        process.live()
        self.clock.advance(LATENCY)
        where, is_again = f"a {what} of {process.name}", process.moved and process.task is not None
        process.moved = True
        if process.called or not (process.task or process.sweeps):
            return
        # Between two reads of a delivery anything may happen, so they may not fit each other.
        come_to = self._reach_again if is_again else self._processes.meet
        if come_to(where, process.name, (UNREAD,)):
            raise Unavailable("Datastore does not answer")

    def _reach_again(self, where: str, _: str, faults: tuple[Fault, ...]) -> Fault | None:
        fault = self._processes.reach(where, *faults)
        self._processes.current.moved = True
        return fault

    def _write(
        self,
        mutations: Sequence[Mutation],
        send: Callable[[], list[Any]],
        *,
        may_be_unanswered: bool,
    ) -> list[Any]:
        process = self._processes.current
        process.live()
        self.clock.advance(LATENCY)
        what = f"the {'effect' if process.called else 'commit'} of {process.name}"
        fault = self._processes.reach(f"before {what}", *(UNANSWERED if may_be_unanswered else ()))
        commit = self._make_commit(mutations, send, process)
        if fault is not None:
            if fault.kind is FaultKind.MADE_LATE:
                self._processes.do_later(fault, what, lambda: _ignore_refusal(commit))
            raise Unavailable("it is unknown whether it was written: there was no answer")
        answer = commit()
        process.moved = process.durable = True
        if self._processes.reach(f"after {what}", *((LOST_ANSWER,) if may_be_unanswered else ())):
            raise Unavailable("it is unknown whether it was written: the answer was lost")
        return answer

    def _make_commit(
        self, mutations: Sequence[Mutation], send: Callable[[], list[Any]], process: Process
    ) -> Callable[[], list[Any]]:
        """Return a function that writes, and records which call of an action has written."""
        number = process.called.number if process.called else None

        def commit() -> list[Any]:
            answer = send()
            if number is not None:
                self._processes.state.history.note_commit(number, mutations)
            return answer

        return commit


def _ignore_refusal(commit: Callable[[], object]) -> None:
    try:
        commit()
    except AmendsError:
        return
