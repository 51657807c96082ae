"""What a process makes once, when it is first asked for, and closes when it ends in order."""

import atexit
import functools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

T = TypeVar("T")

#: gunicorn forks after our code is imported: a child has its own copy, empty like its parent's.
_closing = ExitStack()
_lock = threading.RLock()
atexit.register(_closing.close)


class once(Generic[T]):  # noqa: N801  (a decorator)
    """A function that is called once a process, also if many threads are the first to ask."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._cached = functools.cache(make)
        functools.update_wrapper(self, make)

    def __call__(self) -> T:
        """Return what was made, or make it."""
        with _lock:
            return self._cached()

    def cache_clear(self) -> None:
        """Forget what was made: for tests that change the environment."""
        self._cached.cache_clear()


def close_at_exit(close: Callable[[], object]) -> None:
    """Have something closed when this process ends in order, what was made last first."""
    _closing.callback(close)
