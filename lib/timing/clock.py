"""The current time, which tests can replace."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

#: The clock of this context; None means the system's clock.
CLOCK: ContextVar[Callable[[], datetime] | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the current time, UTC."""
    clock = CLOCK.get()
    return datetime.now(UTC) if clock is None else clock()
