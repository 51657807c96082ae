"""A time budget, in a context variable, that limits every call made within it.

The edge opens one for each request; code that waits (a remote call, a backoff) reads how much is
left. A nested budget can only shorten the outer one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from lib.errors import DeadlineExceeded

#: The header in which a caller sets a shorter time budget, in seconds; Google's APIs use the same
#: name.
BUDGET_HEADER = "X-Server-Timeout"

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(budget: timedelta) -> Iterator[None]:
    """Limit everything inside to `budget`, or to the rest of the outer budget if that is less."""
    ends_at = time.monotonic() + budget.total_seconds()
    outer = _ends_at.get()
    token = _ends_at.set(ends_at if outer is None else min(outer, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def shielded(budget: timedelta) -> Iterator[None]:
    """Give work that must run even after the deadline, such as clean-up, its own budget."""
    token = _ends_at.set(time.monotonic() + budget.total_seconds())
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining() -> timedelta | None:
    """Return the rest of the budget: never below zero, None if there is no budget."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return None
    return timedelta(seconds=max(0.0, ends_at - time.monotonic()))


def bound_seconds(at_most: float) -> float:
    """Return the seconds that a call may take: `at_most`, or the rest of the budget if it is less.

    Raises DeadlineExceeded if nothing is left, so that no call begins after the deadline.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return at_most
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the time budget of this request ran out")
    return min(at_most, left)
