"""Threads for calls of authors' code: one for each call, reused."""

import threading
from collections.abc import Callable

import pytest

from lib.saga.engine.execution.threads import Threads
from tests.support.wait import wait_until


def run(pool: Threads, act: Callable[[], object]) -> None:
    call = pool.start(act)
    call.join(10)
    assert not call.is_alive()


def test_a_call_reuses_the_previous_calls_thread() -> None:
    pool, seen = Threads(), list[int]()
    for _ in range(5):
        run(pool, lambda: seen.append(threading.get_ident()))
        wait_until(lambda: bool(pool._idle))
    assert len(set(seen)) == 1


def test_a_call_that_continues_does_not_block_others() -> None:
    pool, end = Threads(), threading.Event()
    slow = pool.start(end.wait)
    run(pool, lambda: None)
    slow.join(0.01)
    assert slow.is_alive()
    end.set()
    slow.join(10)
    assert not slow.is_alive()


def test_the_number_of_idle_threads_is_limited() -> None:
    pool, end = Threads(most=2), threading.Event()
    calls = [pool.start(end.wait) for _ in range(6)]
    before = threading.active_count()
    end.set()
    for call in calls:
        call.join(10)
    wait_until(lambda: threading.active_count() == before - 4)
    assert len(pool._idle) == 2


def test_the_error_says_that_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Threads().start(lambda: None)
