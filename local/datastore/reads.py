"""The read options of a request: in which transaction it reads, under which locks, at what time."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.datastore.commit import TRANSACTION_PATIENCE
from local.datastore.engine import Engine
from local.datastore.errors import Aborted, InvalidArgument, ServiceError, Unimplemented
from local.datastore.locks import Footprint
from local.datastore.messages import Message, ReadOptions
from local.datastore.transactions import Transaction

Database = tuple[str, str]


@dataclass(slots=True)
class Read:
    """How one request reads. ``started`` is the id of the transaction that it began, or empty."""

    engine: Engine
    transaction: Transaction | None
    started: bytes
    read_time: int

    @property
    def locks(self) -> bool:
        """Whether what is read must be locked: in a read-write transaction."""
        return self.transaction is not None and not self.transaction.read_only

    def lock(self, footprint: Footprint) -> None:
        """Share what is about to be read until the transaction ends; Aborted when it cannot be."""
        if self.transaction is not None and self.locks:
            self.engine.locks.acquire(self.transaction, footprint, TRANSACTION_PATIENCE)

    @contextmanager
    def open_snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield what to read from: the transaction's snapshot, or the state of this moment."""
        if self.transaction is not None and self.transaction.snapshot is not None:
            yield self.transaction.snapshot
            return
        with self.engine.store.read_snapshot() as connection:
            yield connection


@contextmanager
def read_with(engine: Engine, options: ReadOptions, database: Database) -> Iterator[Read]:
    """Yield how to read by these options; a transaction that loses a lock is rolled back."""
    which = options.WhichOneof("consistency_type")
    if which == "read_time":
        raise Unimplemented("read_time is not supported.")
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
            yield Read(engine, transaction, id_ if started else b"", read_time)
        except ServiceError as error:
            if started or isinstance(error, Aborted):
                engine.transactions.end(transaction)
            raise


def begin_transaction(engine: Engine, options: Message, database: Database) -> Transaction:
    """Open a transaction; without a mode it is a read-write one."""
    if options.WhichOneof("mode") != "read_only":
        return engine.transactions.begin(database, read_only=False)
    if options.read_only.HasField("read_time"):
        raise Unimplemented("read_time is not supported.")
    return engine.transactions.begin(database, read_only=True)


def get_database(request: Message) -> Database:
    """Return the (project, database) of a request; InvalidArgument for an improper one."""
    if not request.project_id:
        raise InvalidArgument("The project id is the empty string.")
    if request.database_id == "(default)":
        raise InvalidArgument("The default database is named by the empty string.")
    return request.project_id, request.database_id
