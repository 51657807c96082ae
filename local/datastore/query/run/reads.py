"""The read options of a request: its transaction, locks and read time."""

import sqlite3
from collections.abc import Collection, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from local.datastore.encoding.messages import Message, ReadOptions, get_message_class
from local.datastore.encoding.partitions import Database
from local.datastore.storage.clock import get_microseconds
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.history import RETENTION, fetch_entity_at
from local.datastore.storage.locks import TRANSACTION_PATIENCE, Footprint
from local.datastore.storage.store import Stored, fetch_entity
from local.datastore.storage.transactions import Transaction, check_id
from local.rpc.errors import Aborted, FailedPrecondition, InvalidArgument, ServiceError

_CONSISTENCIES = frozenset(get_message_class("ReadOptions").ReadConsistency.values())


@dataclass(slots=True)
class Read:
    """How one request reads.

    ``started`` is the id of the transaction that the request began, or empty. ``as_of`` is set if
    it reads in the past.
    """

    engine: StorageEngine
    transaction: Transaction | None
    started: bytes
    read_time: int
    as_of: int | None = None

    @property
    def locks(self) -> bool:
        """Whether reads take locks: in a read-write transaction."""
        return self.transaction is not None and not self.transaction.read_only

    def lock(self, footprint: Footprint) -> None:
        """Take shared locks before a read, until the transaction ends; Aborted on contention."""
        if self.transaction is not None and self.locks:
            self.engine.locks.acquire(self.transaction, footprint, TRANSACTION_PATIENCE)

    def fetch(self, connection: sqlite3.Connection, key: bytes) -> Stored | None:
        """Return an entity of a snapshot at the read time."""
        if self.as_of is None:
            return fetch_entity(connection, key)
        return fetch_entity_at(connection, key, self.as_of)

    def open_snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield the snapshot to read from: the transaction's, or a new one."""
        if self.transaction is not None and self.transaction.snapshot is not None:
            return nullcontext(self.transaction.snapshot)
        return self.engine.store.read_snapshot()

    def fetch_all(self, keys: Collection[bytes]) -> Generator[Stored | None, None, None]:
        """Yield the entities of keys, all from one snapshot; None for a missing entity."""
        if len(keys) == 1 and self.transaction is None and self.as_of is None:
            yield from map(self.engine.store.fetch_one, keys)
            return
        with self.open_snapshot() as connection:
            for key in keys:
                yield self.fetch(connection, key)


@contextmanager
def read_with(engine: StorageEngine, options: ReadOptions, database: Database) -> Iterator[Read]:
    """Yield how to read with these options; a transaction that is denied a lock is rolled back."""
    which = options.WhichOneof("consistency_type")
    if which == "read_time":
        time = _read_time(engine, options.read_time)
        yield Read(engine, None, b"", time, as_of=time)
        return
    if options.read_consistency not in _CONSISTENCIES:
        raise InvalidArgument(f"Unknown read consistency: {options.read_consistency}.")
    if which not in ("transaction", "new_transaction"):
        yield Read(engine, None, b"", engine.clock.now())
        return
    started = which == "new_transaction"
    if started:
        id_ = begin_transaction(engine, options.new_transaction, database).id
    else:
        id_ = options.transaction
    with engine.transactions.use(id_, database) as transaction:
        read_time = transaction.read_time if transaction.read_only else engine.clock.now()
        try:
            as_of = transaction.as_of
            yield Read(engine, transaction, id_ if started else b"", as_of or read_time, as_of)
        except ServiceError as error:
            if started or isinstance(error, Aborted):
                engine.transactions.end(transaction)
            raise


def begin_transaction(engine: StorageEngine, options: Message, database: Database) -> Transaction:
    """Open a transaction; by default it is read-write."""
    if options.WhichOneof("mode") != "read_only":
        check_id(options.read_write.previous_transaction)
        return engine.transactions.begin(database, read_only=False)
    as_of = None
    if options.read_only.HasField("read_time"):
        as_of = _read_time(engine, options.read_only.read_time)
    return engine.transactions.begin(database, read_only=True, as_of=as_of)


def _read_time(engine: StorageEngine, timestamp: Any) -> int:
    time = get_microseconds(timestamp)
    now = engine.clock.now()
    if timestamp.nanos % 1000:
        raise InvalidArgument("timestamp cannot have more than microseconds precision")
    if time > now:
        raise InvalidArgument("The requested 'read_time' cannot be in the future.")
    if time < now - RETENTION:
        raise FailedPrecondition("The requested 'read_time' is too old: more than an hour.")
    return time
