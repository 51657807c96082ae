"""Ordered streams of index entries: a range of the table, a merge of ranges, or a sorted list.

Every stream yields hits in ascending order of positions, and can skip forward to a cut. A position
is the bytes after the common prefix of the stream's entries, inverted where necessary, so that it
ascends in the query's order.
"""

import heapq
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.intervals import Cut, Interval
from local.rpc.handover import about_to_block

#: The first and the maximum number of entries per read; it doubles each time.
_FIRST_FETCH, _LAST_FETCH = 16, 256
#: After this many skips a scan counts as long work, as it does after a read of maximum size.
_MANY_LEAPS = 32


class Hit(NamedTuple):
    """A matching entry: its position, its entity, and whether the entity may have more entries."""

    position: bytes
    path: bytes
    multiple: bool


class Stream(Protocol):
    """A stream of hits in order."""

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above a cut; cuts must not decrease between calls."""
        ...


class Source(NamedTuple):
    """The source of a range: the table, the prefix, and the direction."""

    table: str
    prefix: bytes
    backward: bool
    key_descends: bool


_QUERIES = {
    "entries": (
        "SELECT entry, path_length, multiple FROM entries WHERE entry >= ? AND entry < ? "
        "ORDER BY entry"
    ),
    "entities": (
        "SELECT key, length(key) - 4, 0 FROM entities WHERE key >= ? AND key < ? ORDER BY key"
    ),
}


class RangeScan:
    """The entries of one source whose positions are in the given intervals."""

    def __init__(
        self, connection: sqlite3.Connection, source: Source, intervals: Sequence[Interval]
    ) -> None:
        self._source = source
        self._intervals = intervals
        self._query = _QUERIES[source.table] + (" DESC" if source.backward else "")
        self._positions: list[bytes] = []
        self._hits: list[Hit] = []
        self._at = 0
        self._cursor = connection.cursor()
        self._interval = -1
        self._leaps = 0
        self.scanned = 0

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above the cut."""
        edge = cut.edge
        if self._positions and edge <= self._positions[-1]:
            self._at = bisect_left(self._positions, edge, self._at)
            return self._hits[self._at]
        near = bool(self._positions) and self._at >= len(self._positions) - 1
        if near and self._fetch(min(2 * len(self._hits), _LAST_FETCH)):
            # The caller reads sequentially, so it probably wants the next rows.
            if len(self._hits) == _LAST_FETCH:
                about_to_block()
            return self.seek(cut)
        return self._reopen(cut)

    def _reopen(self, cut: Cut) -> Hit | None:
        edge = cut.edge
        self._leaps += 1
        if self._leaps == _MANY_LEAPS:
            about_to_block()
        for index in range(max(self._interval, 0), len(self._intervals)):
            low, high = self._intervals[index]
            if high.edge <= edge:
                continue
            self._interval = index
            self._open(cut if low.edge < edge else low, high)
            if self._fetch(_FIRST_FETCH):
                return self._hits[0]
        self._interval = len(self._intervals)
        self._positions, self._hits = [], []
        return None

    def _open(self, low: Cut, high: Cut) -> None:
        if self._source.backward:
            low, high = high.flip(), low.flip()
        prefix = self._source.prefix
        self._cursor.execute(self._query, (prefix + low.edge, prefix + high.edge))

    def _fetch(self, count: int) -> bool:
        rows = self._cursor.fetchmany(count)
        self.scanned += len(rows)
        self._hits = [self._read(*row) for row in rows]
        self._positions = [hit.position for hit in self._hits]
        self._at = 0
        return bool(rows)

    def _read(self, entry: bytes, path_length: int, multiple: int) -> Hit:
        path = entry[-path_length:]
        position = entry[len(self._source.prefix) :]
        return Hit(
            invert(position) if self._source.backward else position,
            invert(path) if self._source.key_descends else path,
            bool(multiple),
        )


class ListScan:
    """Hits that were computed in memory."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = sorted(hits)
        self._positions = [hit.position for hit in self._hits]

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above the cut."""
        at = bisect_left(self._positions, cut.edge)
        return self._hits[at] if at < len(self._hits) else None


class MergeJoin:
    """The positions that are in all of several streams; each skips to the others' position."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above the cut that all streams share."""
        while True:
            hits = []
            for stream in self._streams:
                hit = stream.seek(cut)
                if hit is None:
                    return None
                hits.append(hit)
                if hit.position > cut.edge:
                    cut = Cut(hit.position, False)
            if all(hit.position == hits[-1].position for hit in hits):
                return hits[-1]._replace(multiple=any(hit.multiple for hit in hits))


def walk(stream: Stream, cut: Cut) -> Iterator[Hit]:
    """Yield all hits of a stream above a cut."""
    hit = stream.seek(cut)
    while hit is not None:
        yield hit
        hit = stream.seek(Cut(hit.position, True))


def unite(streams: Sequence[Iterator[Hit]]) -> Iterator[Hit]:
    """Yield the hits of several ordered iterators in order, with each position once."""
    last = None
    for hit in heapq.merge(*streams):
        if hit.position != last:
            last = hit.position
            yield hit
