"""Versions: increasing microseconds since 1970, so a version is also its commit's time."""

import threading
import time
from typing import Any


class VersionClock:
    """Allocates versions that always increase, also across restarts."""

    def __init__(self, not_before: int = 0) -> None:
        self._lock = threading.Lock()
        self._last = not_before

    def next_version(self) -> int:
        """Return a unique version."""
        with self._lock:
            self._last = max(self._last + 1, self.now())
            return self._last

    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return time.time_ns() // 1000


def set_timestamp(timestamp: Any, microseconds: int) -> None:
    """Write microseconds since 1970 into a Timestamp message."""
    timestamp.seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.nanos = rest * 1000


def get_microseconds(timestamp: Any) -> int:
    """Return a Timestamp message as microseconds since 1970, rounded down."""
    return int(timestamp.seconds) * 1_000_000 + int(timestamp.nanos) // 1000
