"""The metadata kinds ``__namespace__``, ``__kind__`` and ``__property__``.

Their entities are computed on request, from the indexes that have entries.
"""

import sqlite3
from collections.abc import Callable, Iterator

from local.datastore.encoding.keys import Partition, encode_path
from local.datastore.encoding.messages import Entity, Key, get_message_class
from local.datastore.encoding.ordered import AFTER
from local.datastore.encoding.values import list_representations
from local.datastore.storage.catalog import Catalog
from local.datastore.storage.indexes import Definition

NAMESPACE, KIND, PROPERTY = "__namespace__", "__kind__", "__property__"
#: The id of the default namespace.
_EMPTY_NAMESPACE_ID = 1


def list_metadata(
    kind: str, connection: sqlite3.Connection, catalog: Catalog, partition: Partition
) -> dict[bytes, Entity]:
    """Return the entities of a metadata kind by their encoded paths."""
    found = {}
    for entity in _SOURCES[kind](connection, catalog, partition):
        found[encode_path(entity.key.path)] = entity
    return found


def _list_namespaces(
    connection: sqlite3.Connection, catalog: Catalog, partition: Partition
) -> Iterator[Entity]:
    for other, id_ in catalog.list_partitions():
        if other[:2] == partition[:2] and _has_rows(connection, "entities", "key", id_):
            entity = _start_entity(partition)
            element = entity.key.path.add(kind=NAMESPACE)
            if other.namespace:
                element.name = other.namespace
            else:
                element.id = _EMPTY_NAMESPACE_ID
            yield entity


def _list_kinds(
    connection: sqlite3.Connection, catalog: Catalog, partition: Partition
) -> Iterator[Entity]:
    for definition, index in _list_indexes(catalog, partition):
        if not definition.columns and _has_rows(connection, "entries", "entry", index):
            entity = _start_entity(partition)
            entity.key.path.add(kind=KIND, name=definition.kind)
            yield entity


def _list_properties(
    connection: sqlite3.Connection, catalog: Catalog, partition: Partition
) -> Iterator[Entity]:
    for definition, index in _list_indexes(catalog, partition):
        names = [name for name, _ in definition.columns]
        if definition.ancestor or len(names) != 1 or definition.columns[0][1]:
            continue
        types = list_representations(_make_seek(connection, index))
        if types:
            entity = _start_entity(partition)
            entity.key.path.add(kind=KIND, name=definition.kind)
            entity.key.path.add(kind=PROPERTY, name=names[0])
            array = entity.properties["property_representation"].array_value
            array.values.extend(get_message_class("Value")(string_value=one) for one in types)
            yield entity


def _list_indexes(catalog: Catalog, partition: Partition) -> list[tuple[Definition, bytes]]:
    id_ = catalog.find_partition(partition)
    return catalog.list_indexes(id_) if id_ else []


def _start_entity(partition: Partition) -> Entity:
    key: Key = get_message_class("Key")()
    key.partition_id.project_id = partition.project
    key.partition_id.database_id = partition.database
    key.partition_id.namespace_id = partition.namespace
    return get_message_class("Entity")(key=key)  # type: ignore[no-any-return]


def _has_rows(connection: sqlite3.Connection, table: str, column: str, prefix: bytes) -> bool:
    query = f"SELECT 1 FROM {table} WHERE {column} >= ? AND {column} < ? LIMIT 1"  # noqa: S608
    return connection.execute(query, (prefix, prefix + AFTER)).fetchone() is not None


def _make_seek(connection: sqlite3.Connection, index: bytes) -> Callable[[bytes], bytes | None]:
    def seek(low: bytes) -> bytes | None:
        row = connection.execute(
            "SELECT substr(entry, 5, 2) FROM entries WHERE entry >= ? AND entry < ? LIMIT 1",
            (index + low, index + AFTER),
        ).fetchone()
        return row[0] if row else None

    return seek


_SOURCES = {NAMESPACE: _list_namespaces, KIND: _list_kinds, PROPERTY: _list_properties}
METADATA_KINDS = frozenset(_SOURCES)
