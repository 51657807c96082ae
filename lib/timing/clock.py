"""The present time, which a test may let pass as it likes."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

#: What tells the time to everything that runs in this context.
CLOCK: ContextVar[Callable[[], datetime] | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the present time, UTC."""
    clock = CLOCK.get()
    return datetime.now(UTC) if clock is None else clock()
