"""Waits for what happens soon after an answer: a log line, a queue's state, another process."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = timedelta(seconds=30)


def wait_until(
    look: Callable[[], Found],
    holds: Callable[[Found], object] = bool,
    within: timedelta = PATIENCE,
) -> Found:
    """Return the result of `look` once it is true; fail with its last result after `within`.

    An answer only means that something is committed: what is logged, enqueued or counted
    after the commit happens later, so wait for it with this.
    """
    ends = time.monotonic() + within.total_seconds()
    while not holds(found := look()):
        assert time.monotonic() < ends, f"not within {within}; the last look found {found!r}"
        time.sleep(0.01)
    return found
