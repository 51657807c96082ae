"""Reads an index in an order that it does not have: values descend, keys of a value ascend."""

import sqlite3
from collections.abc import Sequence

from local.datastore.encoding.ordered import invert
from local.datastore.query.plan.intervals import EVERYTHING, START, Cut, Interval, contains
from local.datastore.query.plan.layout import find_component_end
from local.datastore.query.run.scans import Hit, RangeScan, Source

_LAST = (
    "SELECT entry, path_length FROM entries WHERE entry >= ? AND entry < ? "
    "ORDER BY entry DESC LIMIT 1"
)


class GroupedScan:
    """Reads a property's index: values from the last, and each value's keys from the first."""

    def __init__(
        self, connection: sqlite3.Connection, source: Source, intervals: Sequence[Interval]
    ) -> None:
        self._connection = connection
        self._prefix = source.prefix
        self._intervals = intervals
        self._group: tuple[bytes, RangeScan] | None = None
        self._scanned = 0

    @property
    def scanned(self) -> int:
        """The number of index entries read so far."""
        return self._scanned + (self._group[1].scanned if self._group else 0)

    def seek(self, cut: Cut) -> Hit | None:
        """Return the first hit above the cut."""
        if cut.value:
            end = find_component_end(cut.value, 0, descends=True)
            turned, rest = cut.value[:end], Cut(cut.value[end:], cut.after)
            if contains(self._intervals, turned):
                hit = self._seek_in_group(invert(turned), rest)
                if hit is not None:
                    return hit
            cut = Cut(turned, True)
        value = self._find_value(cut)
        return None if value is None else self._seek_in_group(value, START)

    def _seek_in_group(self, value: bytes, cut: Cut) -> Hit | None:
        if self._group is None or self._group[0] != value:
            self._scanned = self.scanned
            source = Source("entries", self._prefix + value, False, False)
            self._group = (value, RangeScan(self._connection, source, EVERYTHING))
        hit = self._group[1].seek(cut)
        return hit and hit._replace(position=invert(value) + hit.position)

    def _find_value(self, cut: Cut) -> bytes | None:
        """Return the greatest value below the values that the cut has passed."""
        for low, high in self._intervals:
            if high.edge <= cut.edge:
                continue
            start = max(low, cut, key=lambda one: one.edge)
            bounds = (self._prefix + high.flip().edge, self._prefix + start.flip().edge)
            row = self._connection.execute(_LAST, bounds).fetchone()
            if row is not None:
                self._scanned += 1
                return bytes(row[0][len(self._prefix) : -row[1]])
        return None
