"""Datastore and the queue as a run's processes see them: before and after what lasts, a point."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from lib.errors import Unavailable
from lib.saga.delivery import Delivery
from lib.saga.testing.clock import VirtualClock
from lib.saga.testing.datastore import MemoryDatastore
from lib.saga.testing.faults import LOST_ANSWER, REFUSED, Fault
from lib.saga.testing.ledger import Ledger
from lib.saga.testing.process import Process, name_delivery
from lib.saga.testing.queue import MemoryQueue
from lib.saga.testing.refusal import Refusal

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


class WatchedDatastore:
    """Passes calls on."""

    project = MemoryDatastore.project
    database = MemoryDatastore.database

    def __init__(self, datastore: MemoryDatastore, witness: Witness) -> None:
        self._datastore = datastore
        self._witness = witness

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Answer one request, or be killed before or after it."""
        process = self._witness.process
        process.live()
        self._witness.clock.advance(LATENCY)

        def send() -> Any:
            return self._datastore.call(method, request, timeout)

        if method != "Commit" or not request.mutations:
            process.moved = True
            return send()
        return self._commit(process, request, send)

    def _commit(self, process: Process, request: Any, send: Callable[[], Any]) -> Any:
        what = "effect" if process.called else "commit"
        self._witness.reach(f"before the {what} of {process.name}")
        answer = send()
        if process.called:
            self._witness.ledger.note_commit(process.called, request.mutations)
        process.moved = process.durable = True
        if self._witness.reach(f"after the {what} of {process.name}", LOST_ANSWER):
            raise Refusal("UNAVAILABLE", "the answer was lost")
        return answer

    def close(self) -> None:
        """Do nothing: there is no connection."""


class WatchedQueue:
    """Passes deliveries on."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def enqueue(self, delivery: Delivery) -> None:
        """Hand a delivery over, or be killed before or after it."""
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
