"""Waiting for what comes soon after an answer: a log line, a queue's state, another process."""

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
    """Return what `look` finds once that holds; fail with what it found last after `within`.

    An answer tells that something is committed and no more: what is logged, enqueued or counted
    after the commit comes later, so read it by this.
    """
    ends = time.monotonic() + within.total_seconds()
    while not holds(found := look()):
        assert time.monotonic() < ends, f"not within {within}; the last look found {found!r}"
        time.sleep(0.01)
    return found
