"""The open transactions: their ids, snapshots and locks, and how they end."""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from local.datastore.storage.clock import VersionClock
from local.datastore.storage.locks import Locks
from local.datastore.storage.store import EntityStore
from local.rpc.errors import InvalidArgument
from local.rpc.handover import about_to_block

#: A transaction is rolled back after this time without a request, or since its start.
MAX_IDLE = timedelta(seconds=60)
MAX_AGE = timedelta(seconds=270)
_ID_BYTES = 16


def check_id(id_: bytes) -> None:
    """Refuse a malformed transaction id; the empty id means no transaction."""
    if id_ and len(id_) != _ID_BYTES:
        raise InvalidArgument("Invalid transaction.")


@dataclass(eq=False)
class Transaction:
    """One open transaction; a read-only one has the snapshot of all its reads."""

    id: bytes
    database: tuple[str, str]
    snapshot: sqlite3.Connection | None
    read_time: int
    as_of: int | None = None
    started: float = field(default_factory=time.monotonic)
    last_used: float = field(default_factory=time.monotonic)
    busy: threading.Lock = field(default_factory=threading.Lock)

    @property
    def read_only(self) -> bool:
        """Whether the transaction is read-only."""
        return self.snapshot is not None


class Transactions:
    """The open transactions of one server."""

    def __init__(self, store: EntityStore, locks: Locks, clock: VersionClock) -> None:
        self._store = store
        self._locks = locks
        self._clock = clock
        self._mutex = threading.Lock()
        self._open: dict[bytes, Transaction] = {}
        self._prefix = secrets.token_bytes(_ID_BYTES // 2)

    def begin(
        self, database: tuple[str, str], *, read_only: bool, as_of: int | None = None
    ) -> Transaction:
        """Open a transaction on a database, given as (project, database).

        A read-only transaction may read in the past: ``as_of`` is a version.
        """
        read_time = self._clock.now()
        snapshot = self._store.open_snapshot() if read_only else None
        id_ = self._prefix + secrets.token_bytes(_ID_BYTES // 2)
        transaction = Transaction(id_, database, snapshot, read_time, as_of)
        with self._mutex:
            self._open[transaction.id] = transaction
        return transaction

    @contextmanager
    def use(self, id_: bytes, database: tuple[str, str]) -> Iterator[Transaction]:
        """Yield an open transaction to one request at a time; InvalidArgument if it has ended."""
        transaction = self._find(id_, database)
        if transaction.busy.locked():
            about_to_block()
        with transaction.busy:
            self._find(id_, database)
            transaction.last_used = time.monotonic()
            yield transaction
            transaction.last_used = time.monotonic()

    def _find(self, id_: bytes, database: tuple[str, str]) -> Transaction:
        transaction = self._open.get(id_)
        if transaction is None or transaction.database != database:
            raise InvalidArgument(
                "The referenced transaction has expired or is no longer valid."
                if len(id_) == _ID_BYTES
                else "Invalid transaction."
            )
        return transaction

    def is_over(self, id_: bytes) -> bool:
        """Tell whether this server began the transaction and it has ended."""
        return id_.startswith(self._prefix) and len(id_) == _ID_BYTES and id_ not in self._open

    def end(self, transaction: Transaction) -> None:
        """Close a transaction and release its locks or its snapshot."""
        with self._mutex:
            known = self._open.pop(transaction.id, None)
        if known is None:
            return
        self._locks.release(transaction)
        if transaction.snapshot is not None:
            self._store.close_snapshot(transaction.snapshot)

    def expire(self) -> None:
        """Roll back transactions that were idle or open for too long."""
        now = time.monotonic()
        for transaction in list(self._open.values()):
            idle = timedelta(seconds=now - transaction.last_used)
            age = timedelta(seconds=now - transaction.started)
            over = idle > MAX_IDLE or age > MAX_AGE
            if over and transaction.busy.acquire(blocking=False):
                try:
                    self.end(transaction)
                finally:
                    transaction.busy.release()

    def end_all(self) -> None:
        """Roll back every open transaction, because the server stops."""
        for transaction in list(self._open.values()):
            self.end(transaction)
