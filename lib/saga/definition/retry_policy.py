"""How often an action is tried, and how long the pauses between attempts are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.error import Declaring
from lib.saga.definition.checks.values import faults_of_count, faults_of_duration, faults_of_factor
from lib.timing.backoff import Backoff

#: Cloud Tasks schedules at most 30 days ahead.
MAX_PAUSE = timedelta(days=29)

#: After this many failures a person must look at the action.
MAX_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy(metaclass=Declaring):
    """The total number of attempts, and the pauses between them: capped exponential, full jitter.

    The pause before attempt n + 1 is uniform from 0 to min(cap, first * factor ** (n - 1)). Raises
    DeclarationError for values that make no sense, more than 1,000 attempts, or pauses of more than
    29 days.
    """

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        refuse("RetryPolicy", self._find_faults())

    def _find_faults(self) -> Iterator[str]:
        because = "an action runs at least once"
        yield from faults_of_count("attempts", self.attempts, most=MAX_ATTEMPTS, because=because)
        yield from faults_of_factor("factor", self.factor)
        pauses = {"first": self.first, "cap": self.cap}
        wrong = [
            fault
            for label, pause in pauses.items()
            for fault in faults_of_duration(label, pause, least=timedelta(0), most=MAX_PAUSE)
        ]
        yield from wrong
        if not wrong and self.cap < self.first:
            yield f"the cap of {self.cap} is shorter than the first pause, {self.first}: raise it"

    def delay(self, attempt: int, jitter: float) -> timedelta:
        """Return the pause after failed attempt `attempt` (from 1); `jitter` is in [0, 1)."""
        backoff = Backoff(first=self.first, cap=self.cap, factor=self.factor)
        return backoff.delay(attempt, jitter)


#: The default for steps before the pivot, and for the pivot.
DEFAULT_RETRY = RetryPolicy()

#: The default for compensations and steps after the pivot: about 40 minutes of retries before an
#: operator is alerted.
PATIENT_RETRY = RetryPolicy(attempts=15, first=timedelta(seconds=1), cap=timedelta(minutes=5))
