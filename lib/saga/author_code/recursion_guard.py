"""Ends an endless recursion that the interpreter does not notice.

CPython 3.13.0 to 3.13.7 do not count calls of functions with default or variable arguments
(python/cpython#132744): an endless recursion takes all memory, and the system kills the process.
On these versions a thread measures how deep an author's code is, and raises RecursionError in it.
On other versions nothing is measured.
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

#: The time between measurements: a runaway recursion makes some 100,000 calls in it.
PERIOD = timedelta(milliseconds=5)

#: The number of calls by which a thread may exceed Python's own limit.
MARGIN = 100


class EndlessRecursion(RecursionError):
    """The RecursionError that the guard raises, with the text of Python's own."""

    def __init__(self) -> None:
        super().__init__("maximum recursion depth exceeded")


@contextmanager
def guard_recursion() -> Iterator[None]:
    """Make an endless recursion inside raise RecursionError, in every interpreter."""
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
    """Return the maximum depth of a thread, in calls."""
    return sys.getrecursionlimit() + MARGIN


def _descend(depth: int, _unused: None = None) -> bool:
    return depth == 0 or _descend(depth - 1)


class _Watch:
    """The threads that run an author's code; another thread measures them while there are any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: The number of guarded calls that each thread is in, because they may be nested.
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
                # The error is too late for the author's code, and must not hit other code.
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
    """Make a thread raise an error before its next call; None withdraws the error."""
    import ctypes  # few processes need it, and none of them at start

    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


_WATCH = _Watch()
