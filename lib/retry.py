"""Retries: capped exponential backoff with full jitter, within the deadline of the caller.

The schedule is pure; the loop takes its sleep and its randomness as parameters.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from lib import deadline
from lib.errors import DeadlineExceeded

T = TypeVar("T")


def capped_exponential(first: timedelta, factor: float, exponent: int, cap: timedelta) -> timedelta:
    """Return `first` times `factor` to the power of `exponent`, or `cap` if that is less.

    It never overflows, however large the exponent is.
    """
    try:
        seconds = first.total_seconds() * float(factor) ** exponent
    except OverflowError:
        return cap if first else first
    return timedelta(seconds=seconds) if seconds < cap.total_seconds() else cap


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often to try (the first try counts) and how long to wait in between."""

    attempts: int = 5
    initial: timedelta = timedelta(milliseconds=50)
    maximum: timedelta = timedelta(seconds=5)
    factor: float = 2.0

    def ceiling(self, failures: int) -> timedelta:
        """Return the longest wait after so many failures (1 = the first one)."""
        return capped_exponential(self.initial, self.factor, failures - 1, self.maximum)

    def delay(self, failures: int, jitter: Callable[[], float] = random.random) -> timedelta:
        """Return a wait drawn evenly from zero to the ceiling: full jitter spreads the crowd."""
        return self.ceiling(failures) * jitter()


def retry(
    attempt: Callable[[], T],
    *,
    backoff: Backoff,
    may_retry: Callable[[Exception], bool],
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call `attempt` until it returns, raises what `may_retry` refuses, or was tried enough.

    The last error is raised as it is. A wait that would outlast the caller's deadline is not
    begun: DeadlineExceeded is raised from the last error instead.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except Exception as error:
            failures += 1
            if failures >= backoff.attempts or not may_retry(error):
                raise
            wait(backoff.delay(failures, jitter), sleep, because=error)


def wait(delay: timedelta, sleep: Callable[[float], None], *, because: Exception) -> None:
    """Sleep for `delay`, unless the caller's deadline comes first: then raise DeadlineExceeded."""
    left = deadline.remaining()
    if left is not None and left <= delay:
        raise DeadlineExceeded("the time budget ran out while retrying") from because
    sleep(delay.total_seconds())
