"""Retries within the caller's deadline."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from lib.errors import DeadlineExceeded
from lib.timing import deadline
from lib.timing.backoff import Backoff

T = TypeVar("T")

#: The waits between attempts to write an entity that others write too.
CONTENDED = Backoff(first=timedelta(milliseconds=10), cap=timedelta(milliseconds=500))


def retry(
    attempt: Callable[[], T],
    *,
    backoff: Backoff,
    may_retry: Callable[[Exception], bool],
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call `attempt` until it returns, `may_retry` refuses its error, or it is out of attempts.

    Raises the last error unchanged. If a wait would outlast the caller's deadline, it raises
    DeadlineExceeded from the last error, without waiting.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except Exception as error:
            failures += 1
            if failures >= backoff.attempts or not may_retry(error):
                raise
            wait(backoff.delay(failures, jitter()), sleep, because=error)


def wait(delay: timedelta, sleep: Callable[[float], None], *, because: Exception) -> None:
    """Sleep for `delay`; raise DeadlineExceeded instead if the caller's deadline is earlier."""
    left = deadline.remaining()
    if left is not None and left <= delay:
        raise DeadlineExceeded("the time budget ran out while retrying") from because
    sleep(delay.total_seconds())


def back_off(attempt: int) -> None:
    """Sleep after conflict number `attempt` (from 0), even past the deadline."""
    drawn = random.random()  # noqa: S311  no secret
    time.sleep(CONTENDED.delay(attempt + 1, drawn).total_seconds())
