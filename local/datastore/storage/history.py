"""Past versions of entities, for reads at a time in the past hour.

Replacing or deleting an entity adds an entry with its content, from its version (inclusive) until
the next one (exclusive).
"""

import sqlite3

from local.datastore.storage.store import Stored, fetch_entity

#: How far back a read may go, in microseconds: as in the service without point-in-time recovery.
RETENTION = 3600 * 1_000_000
_PRUNED_AT_ONCE = 1000


def keep_version(writer: sqlite3.Connection, key: bytes, until: int, stored: Stored) -> None:
    """Store an entity that version ``until`` replaces."""
    writer.execute("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)", (key, until, *stored))


def prune_history(writer: sqlite3.Connection, now: int) -> bool:
    """Delete some versions that are too old to be read; return whether there may be more."""
    cursor = writer.execute(
        "DELETE FROM history WHERE (key, until) IN "
        "(SELECT key, until FROM history WHERE until < ? LIMIT ?)",
        (now - RETENTION, _PRUNED_AT_ONCE),
    )
    return cursor.rowcount == _PRUNED_AT_ONCE


def fetch_entity_at(connection: sqlite3.Connection, key: bytes, time: int) -> Stored | None:
    """Return an entity as of a version; None if it did not exist."""
    present = fetch_entity(connection, key)
    if present is not None and present.version <= time:
        return present
    row = connection.execute(
        "SELECT version, created, entity FROM history WHERE key = ? AND until > ? "
        "ORDER BY until LIMIT 1",
        (key, time),
    ).fetchone()
    return Stored(*row) if row and row[0] <= time else None
