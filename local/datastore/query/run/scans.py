"""Ordered streams of index entries: a stretch of the table, a merge of such, or a sorted list.

Every stream yields hits in ascending order of position and can be moved forward to a cut.
A position is the bytes after the part that all of the stream's entries share, turned so that it
ascends in the order that the query asks for.
"""

import heapq
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.intervals import Cut, Interval
from local.rpc.handover import about_to_block

#: How many entries are read at first, and at most at once: each time twice as many.
_FIRST_FETCH, _LAST_FETCH = 16, 256
#: After so many leaps a scan counts as long work, as it does when it reads the most at once.
_MANY_LEAPS = 32


class Hit(NamedTuple):
    """An entry that matches: where it stands, whose it is, whether that entity may have more."""

    position: bytes
    path: bytes
    multiple: bool


class Stream(Protocol):
    """What yields hits in order."""

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above a cut that is not below any cut asked for before."""
        ...


class Source(NamedTuple):
    """Where a stretch is read from: the table's name, its prefix there, and how it is turned."""

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
    """The entries of one source whose positions lie in the given intervals."""

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
            # The caller walks: the next rows are probably what it wants.
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
    """Hits that were put together in memory."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = sorted(hits)
        self._positions = [hit.position for hit in self._hits]

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above the cut."""
        at = bisect_left(self._positions, cut.edge)
        return self._hits[at] if at < len(self._hits) else None


class MergeJoin:
    """The positions that are in every one of several streams: each leaps to the others' place."""

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
    """Yield the hits of several ordered iterators in order, each position once."""
    last = None
    for hit in heapq.merge(*streams):
        if hit.position != last:
            last = hit.position
            yield hit
