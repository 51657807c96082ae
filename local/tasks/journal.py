"""The one thread that writes to SQLite: many changes, one transaction, one sync to disk.

A change is a function of the connection. Callers wait for those that must be on disk before they
answer; the others (a dispatch begun, a task finished) ride along, since losing one of them costs
no more than a second delivery. Changes are applied in the order in which they were given.
"""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from local.tasks.refusals import Refused

T = TypeVar("T")

_BATCH = 256


@dataclass(slots=True)
class _Change:
    apply: Callable[[sqlite3.Connection], Any]
    durable: bool
    result: Future[Any] = field(default_factory=Future)


class Journal:
    """Applies changes in order, grouped; owns its connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._inbox: SimpleQueue[_Change | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Apply the change and return its result once it is on disk.

        A Refused that the change raises (before it wrote anything) is raised here.
        """
        entry = _Change(change, durable=True)
        self._inbox.put(entry)
        result: T = entry.result.result()
        return result

    def note(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Apply the change soon, after all that were given before it; do not wait."""
        self._inbox.put(_Change(change, durable=False))

    def close(self) -> None:
        """Apply what was given so far, then close the connection."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            batch, running = self._next_batch()
            if batch:
                self._commit(batch)
        self._connection.close()

    def _next_batch(self) -> tuple[list[_Change], bool]:
        batch: list[_Change] = []
        change = self._inbox.get()
        while change is not None:
            batch.append(change)
            if len(batch) == _BATCH:
                return batch, True
            try:
                change = self._inbox.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Change]) -> None:
        durable = any(change.durable for change in batch)
        answers: list[Callable[[], None]] = []
        try:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            answers.extend(self._apply(change) for change in batch)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(batch, error)
            return
        for answer in answers:
            answer()

    def _apply(self, change: _Change) -> Callable[[], None]:
        try:
            result = change.apply(self._connection)
        except Refused as refusal:
            error = refusal
            return lambda: change.result.set_exception(error)
        return lambda: change.result.set_result(result)

    def _fail(self, batch: list[_Change], error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for change in batch:
            change.result.set_exception(error)
