"""What entities were before: for reads at a time in the past hour.

An entry is kept when an entity is replaced or deleted, and tells from which version until before
which one it was so.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from local.datastore.execution import Execution
from local.datastore.indexes import build_entries, collect_values
from local.datastore.intervals import Cut, contains
from local.datastore.messages import get_message_class
from local.datastore.ordered import AFTER
from local.datastore.planner import Plan
from local.datastore.scans import Hit, unite
from local.datastore.store import Stored, fetch_entity

#: How far back a read may go, in microseconds: the service's without point-in-time recovery.
RETENTION = 3600 * 1_000_000
_PRUNED_AT_ONCE = 1000


def keep_version(writer: sqlite3.Connection, key: bytes, until: int, stored: Stored) -> None:
    """Keep what is about to be replaced at version ``until``."""
    writer.execute("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)", (key, until, *stored))


def prune_history(writer: sqlite3.Connection, now: int) -> bool:
    """Forget some of what nobody may read any more; True when there may be more of it."""
    cursor = writer.execute(
        "DELETE FROM history WHERE (key, until) IN "
        "(SELECT key, until FROM history WHERE until < ? LIMIT ?)",
        (now - RETENTION, _PRUNED_AT_ONCE),
    )
    return cursor.rowcount == _PRUNED_AT_ONCE


def fetch_entity_at(connection: sqlite3.Connection, key: bytes, time: int) -> Stored | None:
    """Return an entity as it was at a version, or None when there was none."""
    present = fetch_entity(connection, key)
    if present is not None and present.version <= time:
        return present
    row = connection.execute(
        "SELECT version, created, entity FROM history WHERE key = ? AND until > ? "
        "ORDER BY until LIMIT 1",
        (key, time),
    ).fetchone()
    return Stored(*row) if row and row[0] <= time else None


class PastExecution:
    """Plans run on the state at a time: what has not changed since, and what was there instead."""

    def __init__(self, present: Execution, time: int) -> None:
        self._present = present
        self._time = time
        self._replaced: dict[bytes, Stored] = {}

    @property
    def scanned(self) -> int:
        """How many index entries were read so far."""
        return self._present.scanned

    def fetch(self, path: bytes) -> Stored:
        """Return the entity of a hit."""
        return self._replaced.get(path) or self._present.fetch(path)

    def walk(self, plans: Sequence[Plan], start: Cut) -> Iterator[Hit]:
        """Yield the hits of all plans above a cut, in order, each position once."""
        unchanged = (
            hit
            for hit in self._present.walk(plans, start)
            if self._present.fetch(hit.path).version <= self._time
        )
        replaced = [hit for hit in self._list_replaced(plans) if hit.position >= start.edge]
        return unite([unchanged, iter(sorted(replaced))])

    def _list_replaced(self, plans: Sequence[Plan]) -> Iterator[Hit]:
        """Yield the hits of what was replaced since; the cost is that of all that has changed."""
        partition = self._present.partition
        rows = self._present.connection.execute(
            "SELECT key, version, created, entity FROM history "
            "WHERE until > ? AND version <= ? AND key >= ? AND key < ?",
            (self._time, self._time, partition, partition + AFTER),
        )
        for key, *stored in rows:
            yield from self._match(plans, key[len(partition) :], Stored(*stored))

    def _match(self, plans: Sequence[Plan], path: bytes, stored: Stored) -> Iterator[Hit]:
        entity = get_message_class("Entity").FromString(stored.entity)
        values = collect_values(entity)
        for plan in plans:
            of_kind = plan.kind in ("", entity.key.path[-1].kind)
            if not (of_kind and plan.selects(values) and contains(plan.base, path)):
                continue
            for entry in build_entries(plan.build_definition(), values, path):
                if plan.admits(entry.body):
                    self._replaced[path] = stored
                    position = plan.layout.build_position(entry.body)
                    yield Hit(position, path, entry.multiple)
