"""Time that passes only when a test advances it."""

from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A clock for an Engine (`clock`) and for a Store (`now=clock, sleep=clock.sleep`)."""

    def __init__(self, start: datetime = BEGINNING) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """Return the current time, UTC."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by

    def advance_to(self, at: datetime) -> None:
        """Let time pass until `at`; do nothing if it is in the past."""
        self.now = max(self.now, at)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += timedelta(seconds=seconds)
