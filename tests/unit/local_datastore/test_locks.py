import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from local.datastore.storage.locks import Footprint, Locks
from local.rpc.errors import Aborted

KEY, OTHER = b"key", b"other"
LONG = timedelta(seconds=30)
NOW = timedelta()


def share(*keys: bytes) -> Footprint:
    return Footprint(shared=set(keys))


def exclude(*keys: bytes) -> Footprint:
    return Footprint(exclusive=set(keys))


class Waiting:
    """An acquisition in a thread of its own."""

    def __init__(
        self, locks: Locks, owner: str, request: Footprint, patience: timedelta = LONG
    ) -> None:
        self.error: Aborted | None = None
        self._thread = threading.Thread(
            target=self._run, args=(lambda: locks.acquire(owner, request, patience),)
        )
        self._thread.start()
        time.sleep(0.05)

    def _run(self, acquire: Callable[[], None]) -> None:
        try:
            acquire()
        except Aborted as error:
            self.error = error

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def finish(self) -> None:
        self._thread.join(LONG.total_seconds())
        assert not self.waits


def test_readers_share_and_writers_do_not() -> None:
    locks = Locks()
    locks.acquire("a", share(KEY), NOW)
    locks.acquire("b", share(KEY), NOW)
    with pytest.raises(Aborted, match="too much contention"):
        locks.acquire("c", exclude(KEY), timedelta(seconds=0.01))
    locks.acquire("c", exclude(OTHER), NOW)


def test_the_second_of_two_readers_that_want_to_write_is_refused_at_once() -> None:
    locks = Locks()
    locks.acquire("a", share(KEY), NOW)
    locks.acquire("b", share(KEY), NOW)
    first = Waiting(locks, "a", exclude(KEY))
    started = time.monotonic()
    with pytest.raises(Aborted, match="too much contention"):
        locks.acquire("b", exclude(KEY), LONG)
    assert timedelta(seconds=time.monotonic() - started) < LONG / 2
    locks.release("b")
    first.finish()
    assert first.error is None


def test_a_circle_of_three_is_found() -> None:
    locks = Locks()
    keys = {"a": b"1", "b": b"2", "c": b"3"}
    for owner, key in keys.items():
        locks.acquire(owner, exclude(key), NOW)
    first = Waiting(locks, "a", exclude(keys["b"]))
    second = Waiting(locks, "b", exclude(keys["c"]))
    with pytest.raises(Aborted, match="too much contention"):
        locks.acquire("c", exclude(keys["a"]), LONG)
    locks.release("c")
    second.finish()
    locks.release("b")
    first.finish()


def test_new_readers_do_not_overtake_a_waiting_writer() -> None:
    locks = Locks()
    locks.acquire("reader", share(KEY), NOW)
    writer = Waiting(locks, "writer", exclude(KEY))
    late = Waiting(locks, "late", share(KEY))
    assert writer.waits
    assert late.waits
    locks.release("reader")
    writer.finish()
    assert late.waits
    locks.release("writer")
    late.finish()


def test_a_holder_does_not_queue_behind_those_that_wait_for_it() -> None:
    locks = Locks()
    locks.acquire("holder", share(KEY), NOW)
    stranger = Waiting(locks, "stranger", exclude(KEY))
    locks.acquire("holder", exclude(KEY), NOW)
    locks.release("holder")
    stranger.finish()


def test_a_scanned_range_keeps_points_out_but_not_its_own_owner() -> None:
    locks = Locks()
    locks.acquire("scan", Footprint(ranges=[(b"b", b"d")]), NOW)
    assert locks.try_acquire("outside", Footprint(points=[b"a", b"d"]))
    assert not locks.try_acquire("inside", Footprint(points=[b"a", b"c", b"e"]))
    assert locks.try_acquire("scan", Footprint(points=[b"c"]))


def test_a_time_out_leaves_nothing_behind() -> None:
    locks = Locks()
    locks.acquire("a", exclude(KEY), NOW)
    with pytest.raises(Aborted, match="too much contention"):
        locks.acquire("b", share(KEY), timedelta(seconds=0.01))
    locks.release("a")
    locks.acquire("c", exclude(KEY), NOW)
