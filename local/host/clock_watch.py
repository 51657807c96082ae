"""Detects that the machine's clock was set forward (as after a suspension) or back."""

import time
from typing import Final

#: Seconds; a smaller difference is drift.
MIN_JUMP: Final = 1.0

#: Seconds between two checks of the clock while waiting for a time of day.
LOOK_EVERY: Final = 5.0


class ClockWatch:
    """Compares time.time with time.monotonic, which nobody can set."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def jump(self) -> float:
        """Return by how many seconds the clock was set since the last call; negative means back."""
        offset = time.time() - time.monotonic()
        jump = offset - self._offset
        if abs(jump) < MIN_JUMP:
            return 0.0
        self._offset = offset
        return jump
