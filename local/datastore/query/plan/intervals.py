"""Intervals of ordered encodings: the values of a property that a filter matches.

A ``Cut`` is directly before or after everything that begins with its value, so it applies to a
value and to an index entry that continues after the value.
"""

from collections.abc import Iterable
from typing import NamedTuple

from local.datastore.encoding.ordered import AFTER, invert


class Cut(NamedTuple):
    """A position between encodings."""

    value: bytes
    after: bool

    @property
    def edge(self) -> bytes:
        """The bytes between what is below the cut and what is above it."""
        return self.value + AFTER if self.after else self.value

    def flip(self) -> "Cut":
        """Return the same position among inverted encodings."""
        return Cut(invert(self.value), not self.after)


Interval = tuple[Cut, Cut]

START = Cut(b"", False)
END = Cut(b"", True)
EVERYTHING: list[Interval] = [(START, END)]


def intersect(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """Return the intersection, ascending and without empty intervals."""
    others = list(other)
    found = []
    for low, high in one:
        for other_low, other_high in others:
            start = max(low, other_low, key=lambda cut: cut.edge)
            stop = min(high, other_high, key=lambda cut: cut.edge)
            if start.edge < stop.edge:
                found.append((start, stop))
    return found


def flip_all(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same intervals among inverted encodings, in ascending order."""
    return [(high.flip(), low.flip()) for low, high in reversed(list(intervals))]


def contains(intervals: Iterable[Interval], encoded: bytes) -> bool:
    """Tell whether an encoding is in one of the intervals."""
    return any(low.edge <= encoded < high.edge for low, high in intervals)


def equal_to(encoded: bytes) -> list[Interval]:
    """Return the interval of one value."""
    return [(Cut(encoded, False), Cut(encoded, True))]


def other_than(values: Iterable[bytes]) -> list[Interval]:
    """Return the intervals between the values."""
    found, low = [], START
    for encoded in sorted(set(values)):
        found.append((low, Cut(encoded, False)))
        low = Cut(encoded, True)
    return [*found, (low, END)]
