"""The components of one server: the store, its catalog, the clock, locks and transactions."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from local.datastore.encoding.keys import Partition
from local.datastore.storage.catalog import Catalog
from local.datastore.storage.clock import VersionClock
from local.datastore.storage.composites import build_composites
from local.datastore.storage.history import prune_history
from local.datastore.storage.indexes import Definition
from local.datastore.storage.locks import Locks
from local.datastore.storage.store import EntityStore
from local.datastore.storage.transactions import Transactions


class StorageEngine:
    """What the request handlers share; one engine per data folder."""

    def __init__(
        self, folder: Path, composites: Sequence[Definition], *, require_indexes: bool
    ) -> None:
        self.store = EntityStore(folder)
        self.require_indexes = require_indexes
        # Versions increase across a restart even if the machine's clock was set back.
        self.clock = VersionClock(not_before=self.store.get_modification_time())
        self.locks = Locks()
        self.transactions = Transactions(self.store, self.locks, self.clock)
        with self.store.write() as writer:
            self.catalog = Catalog(writer, composites)
            build_composites(writer, self.catalog, composites)

    def write(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield the writer in a transaction that includes the catalog's new ids."""
        return self.store.write(self.catalog.settle)

    def ensure_partition(self, partition: Partition) -> bytes:
        """Return a partition's id; allocate and store one if necessary."""
        known = self.catalog.find_partition(partition)
        if known is not None:
            return known
        with self.write() as writer:
            return self.catalog.ensure_partition(writer, partition)

    def ensure_index(self, partition: bytes, definition: Definition) -> bytes:
        """Return an index's id; allocate and store one if necessary."""
        known = self.catalog.find_index(partition, definition)
        if known is not None:
            return known
        with self.write() as writer:
            return self.catalog.ensure_definition(writer, partition, definition)

    def check(self) -> None:
        """Raise sqlite3.Error unless the file can be read and written."""
        with self.store.write() as writer:
            writer.execute("SELECT 1 FROM entities LIMIT 1").fetchone()

    def prune_history(self) -> None:
        """Delete versions that are too old to be read."""
        more = True
        while more:
            with self.store.write() as writer:
                more = prune_history(writer, self.clock.now())

    def reset(self) -> None:
        """Delete all data, and end all open transactions."""
        self.transactions.end_all()
        with self.store.write() as writer:
            for table in ("entities", "entries", "history", "reserved"):
                writer.execute(f"DELETE FROM {table}")  # noqa: S608

    def close(self) -> None:
        """Roll back open transactions and close the store."""
        self.transactions.end_all()
        self.store.close()
