"""Tests for every author of a saga: in memory, on a virtual clock, with every fault there is.

    def test_no_unit_is_lost_whatever_fails() -> None:
        explore(BOOKING, Trip("Rome"), seats_are_free_or_booked, prepare=add_ten_seats)

`explore` runs the saga once for each crash, loss, duplicate, delay and reordering at each point
at which something lasting is about to happen or has just happened, and checks the promises of
Amends and the author's own. `random_schedules` draws many faults by lot.
"""

from lib.saga.testing.clock import VirtualClock
from lib.saga.testing.explorer import Invariant
from lib.saga.testing.exploring import explore, random_schedules
from lib.saga.testing.queue import MemoryQueue, Task
from lib.saga.testing.store import MemoryStore

__all__ = [
    "Invariant",
    "MemoryQueue",
    "MemoryStore",
    "Task",
    "VirtualClock",
    "explore",
    "random_schedules",
]
