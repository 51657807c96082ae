"""Notices when the machine's clock is set, forwards (as after a suspension) or back."""

import time
from typing import Final

#: Seconds: less than this is drift, not a change of the clock.
MIN_JUMP: Final = 1.0

#: Seconds between two looks at the clock while a time of day is waited for.
LOOK_EVERY: Final = 5.0


class ClockWatch:
    """Compares time.time with time.monotonic, which cannot be set."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def jump(self) -> float:
        """Return by how many seconds the clock was set since the last call: below 0 is back."""
        offset = time.time() - time.monotonic()
        jump = offset - self._offset
        if abs(jump) < MIN_JUMP:
            return 0.0
        self._offset = offset
        return jump
