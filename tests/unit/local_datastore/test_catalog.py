"""The short ids of partitions and indexes, if the commit that assigns them fails."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from local.datastore.encoding.keys import Partition
from local.datastore.storage.engine import StorageEngine

PARTITION = Partition("project", "", "")


class FullDisk:
    """A connection whose COMMIT fails, as it does when the disk is full."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(statement, *values)


def give_out(engine: StorageEngine) -> tuple[bytes, bytes]:
    with engine.write() as writer:
        partition = engine.catalog.ensure_partition(writer, PARTITION)
        return partition, engine.catalog.ensure_index(writer, partition, "Task", "done")


def test_ids_whose_commit_failed_are_given_out_again_and_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If only memory had them, they would be lost with the process, and the entities with them."""
    engine = StorageEngine(tmp_path, (), require_indexes=False)
    with monkeypatch.context() as patched:
        patched.setattr(engine.store, "_writer", FullDisk(engine.store._writer))
        with pytest.raises(sqlite3.OperationalError, match="disk is full"):
            give_out(engine)
    assert engine.catalog.list_partitions() == []
    partition, index = give_out(engine)
    engine.close()
    again = StorageEngine(tmp_path, (), require_indexes=False)
    assert again.catalog.list_partitions() == [(PARTITION, partition)]
    assert [each[1] for each in again.catalog.list_indexes(partition)] == [index]
    again.close()
