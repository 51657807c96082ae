"""Test tools for authors of sagas: in memory, on a virtual clock, with many kinds of faults.

    def test_a_trip_is_booked() -> None:
        booking = run(BOOKING, Trip("Rome"), prepare=add_ten_seats)
        assert booking.status == "COMPLETED"

    def test_no_unit_is_lost_under_any_fault() -> None:
        explore(BOOKING, Trip("Rome"), seats_are_free_or_booked, prepare=add_ten_seats)

`run` runs a saga once and moves its clock; `HttpStandIn` stands in for the services that it calls.
`explore` runs the saga once for each crash, loss, duplicate, delay and reordering at each point
just before and after a lasting effect, and checks the invariants of Amends and of the author.
`random_schedules` draws many faults at random.
"""

from lib.saga.testing.exploration.explore import explore, random_schedules
from lib.saga.testing.exploration.explorer import Invariant
from lib.saga.testing.exploration.report import Report
from lib.saga.testing.memory.clock import VirtualClock
from lib.saga.testing.memory.http_stand_in import HttpStandIn, ServiceAnswer, ServiceRequest
from lib.saga.testing.memory.queue import MemoryQueue, QueuedTask
from lib.saga.testing.memory.store import MemoryStore
from lib.saga.testing.single_run import Run, run

__all__ = [
    "HttpStandIn",
    "Invariant",
    "MemoryQueue",
    "MemoryStore",
    "QueuedTask",
    "Report",
    "Run",
    "ServiceAnswer",
    "ServiceRequest",
    "VirtualClock",
    "explore",
    "random_schedules",
    "run",
]
