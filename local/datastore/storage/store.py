"""The data file: one SQLite database in WAL mode.

There is one writer at a time and any number of readers; readers and the writer never wait for each
other.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from local.host.folder_lock import lock_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
  key BLOB PRIMARY KEY, version INTEGER NOT NULL, created INTEGER NOT NULL, entity BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
  entry BLOB PRIMARY KEY, path_length INTEGER NOT NULL, multiple INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
  key BLOB NOT NULL, until INTEGER NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL,
  entity BLOB NOT NULL, PRIMARY KEY (until, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions (
  id INTEGER PRIMARY KEY, project TEXT NOT NULL, database TEXT NOT NULL, namespace TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS indexes (
  id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, definition TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS reserved (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS composites (definition TEXT PRIMARY KEY) WITHOUT ROWID;
"""


#: The size of the WAL at which it is checkpointed, which waits for the disk: 16 MiB.
_CHECKPOINT_PAGES = 4096


class Stored(NamedTuple):
    """A stored entity; times are versions, in microseconds since 1970."""

    version: int
    created: int
    entity: bytes


class EntityStore:
    """The database file of a data folder; FolderInUse if another server has it open."""

    def __init__(self, folder: Path) -> None:
        self._claim = lock_folder(folder, "datastore")
        self._path = folder / "datastore.sqlite3"
        self._idle: deque[sqlite3.Connection] = deque()
        self._write_lock = threading.Lock()
        self._writer = self._connect(cache_mib=32)
        self._writer.execute("PRAGMA journal_mode = WAL")
        # NORMAL does not sync at each commit: commits survive a kill -9 of the process. A power
        # cut may lose the last commits, but never half of one.
        self._writer.execute("PRAGMA synchronous = NORMAL")
        # Some builds of SQLite overwrite deleted data with zeros, which makes a reset slow.
        self._writer.execute("PRAGMA secure_delete = OFF")
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._writer.executescript(_SCHEMA)

    def _connect(self, cache_mib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA cache_size = -{cache_mib * 1024}")
        return connection

    def open_snapshot(self) -> sqlite3.Connection:
        """Return a connection that sees the current state until ``close_snapshot``."""
        connection = self._take_idle()
        connection.execute("BEGIN")
        # A deferred transaction takes its snapshot at its first read, not at BEGIN.
        connection.execute("SELECT 1 FROM partitions LIMIT 1").fetchone()
        return connection

    def close_snapshot(self, connection: sqlite3.Connection) -> None:
        """Release a snapshot."""
        connection.execute("ROLLBACK")
        self._idle.append(connection)

    def _take_idle(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect(cache_mib=4)

    def fetch_one(self, key: bytes) -> Stored | None:
        """Return one entity's current state; a single statement is a snapshot by itself."""
        connection = self._take_idle()
        try:
            return fetch_entity(connection, key)
        finally:
            self._idle.append(connection)

    @contextmanager
    def read_snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield a snapshot for one request."""
        connection = self.open_snapshot()
        try:
            yield connection
        finally:
            self.close_snapshot(connection)

    @contextmanager
    def write(self, settle: Callable[[bool], object] = bool) -> Iterator[sqlite3.Connection]:
        """Yield the writer in a transaction, which is committed, or rolled back after an error.

        Calls ``settle`` with whether it was committed, while no other writer runs.
        """
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                # Unlike this, commit() makes SQLite parse the statement each time.
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.rollback()
                settle(False)
                raise
            settle(True)

    def get_modification_time(self) -> int:
        """Return when the files were last written, in microseconds since 1970."""
        files = [self._path, self._path.with_name(self._path.name + "-wal")]
        return max(file.stat().st_mtime_ns for file in files if file.exists()) // 1000

    def close(self) -> None:
        """Close all connections; committed data stays in the file."""
        while self._idle:
            self._idle.pop().close()
        with self._write_lock:
            self._writer.close()
        self._claim.close()


def get_entity(connection: sqlite3.Connection, key: bytes) -> Stored:
    """Return the entity of an index entry from the same snapshot."""
    stored = fetch_entity(connection, key)
    if stored is None:
        raise LookupError(f"an index entry without its entity: {key!r}")
    return stored


def fetch_entity(connection: sqlite3.Connection, key: bytes) -> Stored | None:
    """Return the entity at an encoded key (partition id and path); None if there is none."""
    row = connection.execute(
        "SELECT version, created, entity FROM entities WHERE key = ?", (key,)
    ).fetchone()
    return Stored(*row) if row else None
