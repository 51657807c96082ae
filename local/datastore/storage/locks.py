"""Pessimistic locks, as in the service's default concurrency mode.

A read in a read-write transaction takes a shared lock on each entity that it reads and on each
index range that it scans. A commit takes an exclusive lock on the entities that it writes, and
waits for transactions that scanned where it changes an index. Waiting owners are served in order of
arrival. A request that would cause a deadlock is refused immediately, so of two readers that both
write, one wins.
"""

import threading
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import timedelta

from local.rpc.errors import Aborted
from local.rpc.handover import about_to_block

#: Seconds that a write waits for transactions that have read what it changes.
TRANSACTION_PATIENCE = timedelta(seconds=2)
WRITE_PATIENCE = timedelta(seconds=20)

_CONTENTION = "too much contention on these datastore entities. please try again."


@dataclass(slots=True)
class Footprint:
    """The locks that an owner holds or requests: keys, scanned ranges [from, to), written points.

    Points are sorted.
    """

    shared: set[bytes] = field(default_factory=set)
    exclusive: set[bytes] = field(default_factory=set)
    ranges: list[tuple[bytes, bytes]] = field(default_factory=list)
    points: list[bytes] = field(default_factory=list)

    def add(self, other: "Footprint") -> None:
        """Add the locks of ``other``."""
        self.shared |= other.shared
        self.exclusive |= other.exclusive
        self.ranges += other.ranges
        self.points = other.points or self.points

    def subtract(self, held: "Footprint") -> "Footprint":
        """Return a copy without points, and without keys and ranges that `held` has."""
        keys = held.shared | held.exclusive
        ranges = [
            (low, high)
            for low, high in self.ranges
            if not any(start <= low and high <= stop for start, stop in held.ranges)
        ]
        return Footprint(self.shared - keys, self.exclusive - keys, ranges)


def conflicts(one: Footprint, other: Footprint) -> bool:
    """Tell whether two owners cannot hold these at the same time."""
    return (
        not one.exclusive.isdisjoint(other.exclusive)
        or not one.exclusive.isdisjoint(other.shared)
        or not one.shared.isdisjoint(other.exclusive)
        or _covers(one.ranges, other.points)
        or _covers(other.ranges, one.points)
    )


def _covers(ranges: list[tuple[bytes, bytes]], points: list[bytes]) -> bool:
    return bool(points) and any(
        bisect_left(points, low) < bisect_left(points, high) for low, high in ranges
    )


@dataclass(slots=True, eq=False)
class _Waiter:
    owner: Hashable
    request: Footprint
    granted: threading.Event | None = None


class Locks:
    """All locks of one server, in memory, because no transaction outlives the server."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: dict[Hashable, Footprint] = {}
        self._waiters: list[_Waiter] = []

    def acquire(self, owner: Hashable, request: Footprint, patience: timedelta) -> None:
        """Take all requested locks, waiting up to ``patience``.

        Raises Aborted when the time is up, or immediately in a deadlock.
        """
        with self._mutex:
            waiter = _Waiter(owner, request)
            if not self._find_blockers(waiter, self._waiters):
                self._grant(waiter)
                return
            granted = waiter.granted = threading.Event()
            self._waiters.append(waiter)
            if self._closes_circle(waiter):
                self._waiters.remove(waiter)
                raise Aborted(_CONTENTION)
        about_to_block()
        if granted.wait(patience.total_seconds()):
            return
        with self._mutex:
            if granted.is_set():
                return
            self._waiters.remove(waiter)
            self._serve_waiters()
        raise Aborted(_CONTENTION)

    def try_acquire(self, owner: Hashable, request: Footprint) -> bool:
        """Take all requested locks if no other owner holds them; never wait."""
        with self._mutex:
            waiter = _Waiter(owner, request)
            if self._find_blockers(waiter, self._waiters):
                return False
            self._grant(waiter)
            return True

    def release(self, owner: Hashable) -> None:
        """Release all locks of an owner. Idempotent."""
        with self._mutex:
            if self._held.pop(owner, None) is not None and self._waiters:
                self._serve_waiters()

    def _grant(self, waiter: _Waiter) -> None:
        self._held.setdefault(waiter.owner, Footprint()).add(waiter.request)

    def _serve_waiters(self) -> None:
        waiting: list[_Waiter] = []
        for waiter in self._waiters:
            if self._find_blockers(waiter, waiting):
                waiting.append(waiter)
            else:
                self._grant(waiter)
                if waiter.granted is not None:
                    waiter.granted.set()
        self._waiters = waiting

    def _find_blockers(self, waiter: _Waiter, ahead: list[_Waiter]) -> set[Hashable]:
        blockers = {
            owner
            for owner, held in self._held.items()
            if owner is not waiter.owner and conflicts(held, waiter.request)
        }
        if ahead:
            # An owner that already holds a key does not queue behind owners that wait for that key:
            # they wait for the holder, which would be a deadlock.
            mine = self._held.get(waiter.owner, Footprint())
            fresh = waiter.request.subtract(mine)
            blockers |= {
                one.owner
                for one in ahead
                if one.owner is not waiter.owner and conflicts(one.request, fresh)
            }
        return blockers

    def _closes_circle(self, waiter: _Waiter) -> bool:
        edges: dict[Hashable, set[Hashable]] = {}
        for index, one in enumerate(self._waiters):
            edges.setdefault(one.owner, set()).update(
                self._find_blockers(one, self._waiters[:index])
            )
        seen: set[Hashable] = set()
        frontier = set(edges[waiter.owner])
        while frontier:
            owner = frontier.pop()
            if owner is waiter.owner:
                return True
            if owner not in seen:
                seen.add(owner)
                frontier |= edges.get(owner, set())
        return False
