"""How often and how patiently an action is tried."""

import math
from dataclasses import dataclass
from datetime import timedelta

from lib.retry import capped_exponential
from lib.saga.limits import MAX_ATTEMPTS, MAX_PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts in all, and the pauses between them: capped exponential, full jitter.

    The pause before attempt n + 1 is drawn evenly from 0 to min(cap, first * factor ** (n - 1)).
    Raises ValueError for what makes no sense: at most 1,000 attempts, pauses of at most 29 days.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        whole = isinstance(self.attempts, int) and not isinstance(self.attempts, bool)
        if not (whole and 1 <= self.attempts <= MAX_ATTEMPTS):
            raise ValueError(
                f"retry policy: attempts is a whole number from 1 to {MAX_ATTEMPTS}, "
                f"not {self.attempts!r}; the first attempt counts"
            )
        self._check_pauses()
        number = isinstance(self.factor, int | float) and not isinstance(self.factor, bool)
        if not (number and self.factor >= 1 and math.isfinite(self.factor)):
            raise ValueError(
                f"retry policy: factor is a finite number of at least 1, not {self.factor!r}"
            )

    def _check_pauses(self) -> None:
        for name, pause in (("first", self.first), ("cap", self.cap)):
            if not isinstance(pause, timedelta):
                raise ValueError(
                    f"retry policy: {name} is a timedelta, such as timedelta(seconds=5), "
                    f"not {pause!r}"
                )
        if not timedelta(0) <= self.first <= self.cap <= MAX_PAUSE:
            raise ValueError(
                f"retry policy: 0 <= first <= cap <= {MAX_PAUSE.days} days does not hold of "
                f"first={self.first}, cap={self.cap}"
            )

    def delay(self, attempt: int, jitter: float) -> timedelta:
        """Return the pause after failed attempt `attempt` (from 1), `jitter` being in [0, 1)."""
        return capped_exponential(self.first, self.factor, attempt - 1, self.cap) * jitter


#: For a step that the saga can still be rolled back from.
USUAL = RetryPolicy()

#: Compensations, and steps past the pivot, are not given up lightly: about 40 minutes of trying
#: before a person is called.
PATIENT = RetryPolicy(attempts=15, first=timedelta(seconds=1), cap=timedelta(minutes=5))
