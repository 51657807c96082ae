"""Ends an endless recursion where the interpreter overlooks it.

CPython 3.13.0 to 3.13.7 do not count the calls of functions with default or variable arguments
(python/cpython#132744): an endless recursion takes all memory, and the system kills the process.
There a thread measures how deep an author's code is, and raises RecursionError in it. Elsewhere
nothing is measured.
"""

import functools
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

#: How often the depth is measured: a runaway recursion makes some 100,000 calls in this time.
PERIOD = timedelta(milliseconds=5)

#: How much deeper than Python's own limit a thread may be.
MARGIN = 100


class EndlessRecursion(RecursionError):
    """The RecursionError that the guard raises, in the words of Python's own."""

    def __init__(self) -> None:
        super().__init__("maximum recursion depth exceeded")


@contextmanager
def guard_recursion() -> Iterator[None]:
    """Make an endless recursion inside raise RecursionError in every interpreter."""
    if not overlooks_recursion():
        yield
        return
    thread = threading.get_ident()
    _WATCH.add(thread)
    try:
        yield
    finally:
        _WATCH.remove(thread)


@functools.cache
def overlooks_recursion() -> bool:
    """Return whether this interpreter lets a recursion go deeper than its limit."""
    try:
        return _descend(max_depth())
    except RecursionError:
        return False


def max_depth() -> int:
    """Return how deep a thread may be, in calls."""
    return sys.getrecursionlimit() + MARGIN


def _descend(depth: int, _unused: None = None) -> bool:
    return depth == 0 or _descend(depth - 1)


class _Watch:
    """The threads that run an author's code; a thread of its own measures them while there are."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: In how many calls each thread is: an author's code may lead to more of it.
        self._calls: Counter[int] = Counter()
        self._interrupted: set[int] = set()
        self._watcher = threading.Thread()

    def add(self, thread: int) -> None:
        with self._changed:
            self._calls[thread] += 1
            if not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._watch, daemon=True)
                self._watcher.start()
            self._changed.notify()

    def remove(self, thread: int) -> None:
        with self._changed:
            self._calls[thread] -= 1
            if self._calls[thread] == 0:
                del self._calls[thread]
            if thread in self._interrupted:
                # An error that comes too late for the author's code must not hit other code.
                self._interrupted.remove(thread)
                _raise_in(thread, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls)
                self._measure()
            time.sleep(PERIOD.total_seconds())

    def _measure(self) -> None:
        frames = sys._current_frames()
        for thread in self._calls:
            if _is_too_deep(frames.get(thread)):
                self._interrupted.add(thread)
                _raise_in(thread, EndlessRecursion)


def _is_too_deep(frame: FrameType | None) -> bool:
    for _ in range(max_depth()):
        if frame is None:
            return False
        frame = frame.f_back
    return frame is not None


def _raise_in(thread: int, error: type[Exception] | None) -> None:
    """Have a thread raise an error before its next call, or, for None, no longer do so."""
    import ctypes  # few processes need it, and none at its start

    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


_WATCH = _Watch()
