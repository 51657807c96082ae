"""How often and how patiently an action is tried."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts in all, and the pauses between them: capped exponential, full jitter."""

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}: an action runs at least once")
        if self.first < timedelta(0) or self.cap < self.first or self.factor < 1:
            raise ValueError("a retry needs 0 <= first <= cap and factor >= 1")

    def delay(self, attempt: int, jitter: float) -> timedelta:
        """Return the pause after failed attempt `attempt` (from 1), `jitter` being in [0, 1)."""
        doublings = min(attempt - 1, 64)
        return min(self.cap, self.first * self.factor**doublings) * jitter


#: For a step that the saga can still be rolled back from.
USUAL = RetryPolicy()

#: Compensations, and steps past the pivot, are not given up lightly: about 40 minutes of trying
#: before a person is called.
PATIENT = RetryPolicy(attempts=15, first=timedelta(seconds=1), cap=timedelta(minutes=5))
