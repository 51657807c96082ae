"""Updates the store's composite indexes from the index file when the server starts."""

import sqlite3
from collections.abc import Iterator, Sequence

from local.datastore.encoding.messages import Entity, get_message_class
from local.datastore.encoding.ordered import AFTER
from local.datastore.storage.catalog import Catalog, dump_definition, load_definition
from local.datastore.storage.indexes import Definition, build_entries, collect_values

_READ_AT_ONCE = 1000
_READ = (
    "SELECT substr(e.entry, 5), n.entity FROM entries e "
    "JOIN entities n ON n.key = CAST(? || substr(e.entry, 5) AS BLOB) "
    "WHERE e.entry > ? AND e.entry < ? ORDER BY e.entry LIMIT ?"
)


def build_composites(
    writer: sqlite3.Connection, catalog: Catalog, composites: Sequence[Definition]
) -> None:
    """Fill the indexes that the index file adds, and empty those that it removed."""
    wanted = {dump_definition(one) for one in composites}
    built = {text for (text,) in writer.execute("SELECT definition FROM composites")}
    for text in built - wanted:
        _drop(writer, catalog, load_definition(text))
        writer.execute("DELETE FROM composites WHERE definition = ?", (text,))
    for text in wanted - built:
        _fill(writer, catalog, load_definition(text))
        writer.execute("INSERT INTO composites VALUES (?)", (text,))
    catalog.settle(committed=True)


def _drop(writer: sqlite3.Connection, catalog: Catalog, definition: Definition) -> None:
    for _, partition in catalog.list_partitions():
        index = catalog.find_index(partition, definition)
        if index is not None:
            writer.execute(
                "DELETE FROM entries WHERE entry >= ? AND entry < ?", (index, index + AFTER)
            )


def _fill(writer: sqlite3.Connection, catalog: Catalog, definition: Definition) -> None:
    for _, partition in catalog.list_partitions():
        for path, entity in _list_kind(writer, catalog, partition, definition.kind):
            entries = build_entries(definition, collect_values(entity), path)
            if entries:
                index = catalog.ensure_definition(writer, partition, definition)
                writer.executemany(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                    [(index + body, length, multiple) for body, length, multiple in entries],
                )


def _list_kind(
    writer: sqlite3.Connection, catalog: Catalog, partition: bytes, kind: str
) -> Iterator[tuple[bytes, Entity]]:
    index = catalog.find_index(partition, Definition(kind, False, ()))
    if index is None:
        return
    parse = get_message_class("Entity").FromString
    last, rows = index, [(b"", b"")]
    while rows:
        # In batches, because there may be a million.
        rows = writer.execute(_READ, (partition, last, index + AFTER, _READ_AT_ONCE)).fetchall()
        for path, entity in rows:
            yield path, parse(entity)
        last = index + rows[-1][0] if rows else last
