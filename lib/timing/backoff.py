"""Backoff: the number of attempts and the waits between them, capped exponential with full jitter.

Pure: the caller provides the randomness and the sleep (lib.timing.retry, or a task's schedule).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The total number of attempts, including the first, and the waits between them.

    The wait after failure n (from 1) is uniform from 0 to min(cap, first * factor ** (n - 1)).
    """

    attempts: int = 5
    first: timedelta = timedelta(milliseconds=50)
    cap: timedelta = timedelta(seconds=5)
    factor: float = 2.0

    def ceiling(self, failures: int) -> timedelta:
        """Return the longest wait after this many failures; it never overflows."""
        try:
            seconds = self.first.total_seconds() * float(self.factor) ** (failures - 1)
        except OverflowError:
            return self.cap if self.first else self.first
        return timedelta(seconds=seconds) if seconds < self.cap.total_seconds() else self.cap

    def delay(self, failures: int, jitter: float) -> timedelta:
        """Return the wait for a random `jitter` in [0, 1), which spreads simultaneous callers."""
        return self.ceiling(failures) * jitter
