"""Things that a process makes once, on first use, and closes at a normal exit."""

import atexit
import functools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

T = TypeVar("T")

#: gunicorn forks after this module is imported: each child has an empty copy of its own.
_closing = ExitStack()
_lock = threading.RLock()
atexit.register(_closing.close)


class once(Generic[T]):  # noqa: N801  (a decorator)
    """A function that runs once per process, even if several threads call it first."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._cached = functools.cache(make)
        functools.update_wrapper(self, make)

    def __call__(self) -> T:
        """Return the cached result, or make it."""
        with _lock:
            return self._cached()

    def cache_clear(self) -> None:
        """Forget the result. For tests that change the environment."""
        self._cached.cache_clear()


def close_at_exit(close: Callable[[], object]) -> None:
    """Call `close` at this process's normal exit, in reverse order of registration."""
    _closing.callback(close)
