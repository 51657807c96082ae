"""Short ids for partitions and indexes, so that keys and entries do not contain full names.

Ids are allocated in the transaction that needs them and never reused, even if that transaction
rolls back, because a reader may already know the id.
"""

import json
import sqlite3
from collections.abc import Iterable

from local.datastore.encoding.keys import Partition
from local.datastore.storage.indexes import Definition


def _pack(number: int) -> bytes:
    return number.to_bytes(4, "big")


def dump_definition(definition: Definition) -> str:
    """Return a definition as a unique text."""
    return json.dumps(definition)


def load_definition(text: str) -> Definition:
    """Return the definition from the text of ``dump_definition``."""
    kind, ancestor, columns = json.loads(text)
    return Definition(kind, ancestor, tuple((name, down) for name, down in columns))


class Catalog:
    """The ids of one store, in memory and in its tables."""

    def __init__(self, connection: sqlite3.Connection, composites: Iterable[Definition]) -> None:
        self.composites: dict[str, list[Definition]] = {}
        for definition in composites:
            self.composites.setdefault(definition.kind, []).append(definition)
        self._partitions: dict[Partition, bytes] = {}
        self._indexes: dict[tuple[bytes, Definition], bytes] = {}
        # The same ids by shorter keys, for most of a commit's lookups.
        self._built_in: dict[tuple[bytes, str, str | None], bytes] = {}
        self._last_partition = self._last_index = 0
        for number, *names in connection.execute("SELECT * FROM partitions"):
            self._partitions[Partition(*names)] = _pack(number)
            self._last_partition = max(self._last_partition, number)
        for number, partition, text in connection.execute("SELECT * FROM indexes"):
            self._indexes[_pack(partition), load_definition(text)] = _pack(number)
            self._last_index = max(self._last_index, number)
        self._uncommitted: list[Partition | tuple[bytes, Definition]] = []

    def find_partition(self, partition: Partition) -> bytes | None:
        """Return the id of a partition; None if it never had data."""
        return self._partitions.get(partition)

    def find_index(self, partition: bytes, definition: Definition) -> bytes | None:
        """Return the id of an index; None if it never had an entry."""
        return self._indexes.get((partition, definition))

    def list_partitions(self) -> list[tuple[Partition, bytes]]:
        """Return every partition with its id."""
        return list(self._partitions.items())

    def list_indexes(self, partition: bytes) -> list[tuple[Definition, bytes]]:
        """Return every index of a partition with its id."""
        return [(one[1], id_) for one, id_ in list(self._indexes.items()) if one[0] == partition]

    def ensure_partition(self, writer: sqlite3.Connection, partition: Partition) -> bytes:
        """Return the id of a partition; allocate one in the writer's transaction if necessary."""
        known = self._partitions.get(partition)
        if known is not None:
            return known
        self._last_partition += 1
        writer.execute(
            "INSERT INTO partitions VALUES (?, ?, ?, ?)", (self._last_partition, *partition)
        )
        self._uncommitted.append(partition)
        self._partitions[partition] = _pack(self._last_partition)
        return self._partitions[partition]

    def ensure_index(
        self, writer: sqlite3.Connection, partition: bytes, kind: str, name: str | None = None
    ) -> bytes:
        """Return the id of a kind's index, or of the index of one of its properties; as above."""
        known = self._built_in.get((partition, kind, name))
        if known is None:
            columns = () if name is None else ((name, False),)
            known = self.ensure_definition(writer, partition, Definition(kind, False, columns))
            self._built_in[partition, kind, name] = known
        return known

    def ensure_definition(
        self, writer: sqlite3.Connection, partition: bytes, definition: Definition
    ) -> bytes:
        """Return the id of an index; allocate one in the writer's transaction if necessary."""
        known = self._indexes.get((partition, definition))
        if known is not None:
            return known
        self._last_index += 1
        writer.execute(
            "INSERT INTO indexes VALUES (?, ?, ?)",
            (self._last_index, int.from_bytes(partition, "big"), dump_definition(definition)),
        )
        self._uncommitted.append((partition, definition))
        self._indexes[partition, definition] = _pack(self._last_index)
        return self._indexes[partition, definition]

    def settle(self, committed: bool) -> None:
        """Keep or forget the ids allocated since the last call; only the writer calls this."""
        if not committed:
            for one in self._uncommitted:
                if isinstance(one, Partition):
                    self._partitions.pop(one, None)
                else:
                    self._indexes.pop(one, None)
                    self._built_in.clear()
        self._uncommitted.clear()
