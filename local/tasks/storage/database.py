"""One SQLite connection in one event loop, with group commit.

A change is applied immediately, so the next read sees it. It is committed at the end of the loop's
current iteration if a caller waits for that, and otherwise a moment later.
"""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

#: How many seconds a change may stay uncommitted if no caller waits for it.
_LAZINESS = 0.02


class Database:
    """A database file; after a crash of this process it has every change that a caller awaited."""

    def __init__(self, path: Path, schema: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # As in the local Datastore, a power cut may lose the last tasks; the sweep redelivers.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(schema)
        self._waiting: list[asyncio.Future[None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def read(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> int:
        """Apply a change and return the number of changed rows; it is committed soon."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
            self._timer = self._loop.call_later(_LAZINESS, self._commit)
        return self._connection.execute(statement, values).rowcount

    async def sync(self) -> None:
        """Wait until all changes so far are committed; raise sqlite3.Error if that fails."""
        if not self._waiting:
            self._loop.call_soon(self._commit)
        committed = self._loop.create_future()
        self._waiting.append(committed)
        await committed

    def close(self) -> None:
        """Commit the last changes, and close."""
        self._commit()
        self._connection.close()

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._timer is not None:
            self._timer.cancel()
        error: sqlite3.Error | None = None
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error as failure:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            error = failure
        for each in waiting:
            if each.cancelled():
                continue
            if error is None:
                each.set_result(None)
            else:
                each.set_exception(error)
