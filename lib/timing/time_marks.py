"""Time marks: times as text that an index takes at any rate.

The indexed values of a property that only rises all go to the end of one index, which takes about
500 writes a second. A mark begins with a shard, a hash of the entity's id, so that there are as
many ends as shards. The id comes last: no two marks are equal, and a page can begin at any of them.
"""

import hashlib
from datetime import UTC, datetime

#: How many ranges of an index marks are spread over. A list in time order makes a query of each.
SHARDS = 8


def shard_of(name: str) -> int:
    """Return the shard of an entity's id."""
    return hashlib.sha256(name.encode()).digest()[0] % SHARDS


def time_mark(name: str, at: datetime) -> str:
    """Return the mark of a time for the entity with this id, for an indexed field.

    The id has at most 1400 bytes: Datastore indexes 1500 bytes of a string.
    """
    return f"{shard_of(name):02d}|{_write(at)}|{name}"


def order_of(mark: str) -> str:
    """Return the mark without its shard: marks of all shards are in time order by that."""
    return mark.partition("|")[2]


def range_of(shard: int, *, start: str = "", end: str | None = None) -> tuple[str, str]:
    """Return the bounds of a shard's marks: above the first, below the second.

    With `start` only those that come after it in time order, with `end` those before it.
    """
    prefix = f"{shard:02d}|"
    return prefix + start, f"{shard:02d}}}" if end is None else prefix + end


def since(at: datetime) -> str:
    """Return the `start` of all marks from a time on."""
    return _write(at)


def _write(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
