"""Time marks: times as text, in a form whose index has no limit on the write rate.

The indexed values of a property that only rises are all written to the end of its index, which
takes about 500 writes a second. A mark begins with a shard, a hash of the entity's id, so that the
writes are spread over as many places as there are shards. The id comes last, so that no two marks
are equal, and a page can begin at any of them.
"""

import hashlib
from datetime import UTC, datetime

#: The number of ranges of an index that marks are spread over. A list in time order queries each.
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
    """Return the mark without its shard, by which marks of all shards sort in time order."""
    return mark.partition("|")[2]


def range_of(shard: int, *, start: str = "", end: str | None = None) -> tuple[str, str]:
    """Return two bounds, both exclusive, of a shard's marks.

    With `start`, only marks after it in time order; with `end`, only marks before it.
    """
    prefix = f"{shard:02d}|"
    return prefix + start, f"{shard:02d}}}" if end is None else prefix + end


def since(at: datetime) -> str:
    """Return the `start` for all marks at or after a time."""
    return _write(at)


def _write(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
