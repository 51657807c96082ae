"""Injected faults: which deliveries are duplicated, delayed, dropped or reordered.

Each decision is a hash of the seed, the kind of fault, the task's name and the attempt, so it is
the same in every run and does not depend on threads.
"""

import hashlib
from dataclasses import dataclass

#: The maximum delays in seconds: of a delayed delivery, of a reordered one, and between a delivery
#: and its duplicate.
MAX_DELAY = 5.0
MAX_HOLD = 0.2
MAX_DUPLICATE_LAG = 0.5


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates between 0 and 1; all are 0 by default."""

    duplicate: float = 0.0
    delay: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    seed: int = 0

    def delay_of(self, task: str, attempt: int) -> float:
        """Return by how many seconds to delay a delivery; 0 for most."""
        return self._draw(self.delay, "delay", task, attempt) * MAX_DELAY

    def drops(self, task: str, attempt: int) -> bool:
        """Return whether to lose the task instead of delivering it."""
        return self._draw(self.drop, "drop", task, attempt) > 0

    def hold_of(self, task: str, attempt: int) -> float:
        """Return for how many seconds to hold a delivery back, so that later ones overtake it."""
        return self._draw(self.reorder, "reorder", task, attempt) * MAX_HOLD

    def duplicate_lag(self, task: str, attempt: int) -> float | None:
        """Return after how many seconds to send a duplicate; None for most deliveries."""
        drawn = self._draw(self.duplicate, "duplicate", task, attempt)
        return drawn * MAX_DUPLICATE_LAG if drawn else None

    def _draw(self, rate: float, kind: str, task: str, attempt: int) -> float:
        """Return a number in (0, 1] if the fault occurs, otherwise 0."""
        if not rate:
            return 0.0
        digest = hashlib.sha256(f"{self.seed}/{kind}/{task}/{attempt}".encode()).digest()
        strikes = int.from_bytes(digest[:8]) / 2**64 < rate
        return (int.from_bytes(digest[8:16]) + 1) / 2**64 if strikes else 0.0
