"""Retries: how long the waits are, what is retried, and when they end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import Conflict, DeadlineExceeded, Unavailable
from lib.timing import deadline
from lib.timing.backoff import Backoff
from lib.timing.retry import retry

BACKOFF = Backoff(attempts=4, first=timedelta(milliseconds=100), cap=timedelta(milliseconds=350))


def test_the_ceiling_doubles_up_to_the_maximum() -> None:
    ceilings = [BACKOFF.ceiling(failures) / timedelta(milliseconds=1) for failures in range(1, 6)]
    assert ceilings == [100, 200, 350, 350, 350]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_negative_and_never_over_the_ceiling(failures: int, drawn: float) -> None:
    wait = BACKOFF.delay(failures, drawn)
    assert timedelta() <= wait <= BACKOFF.ceiling(failures)


def test_the_whole_range_below_the_ceiling_is_drawn_from() -> None:
    assert BACKOFF.delay(1, 0.0) == timedelta()
    assert BACKOFF.delay(1, 0.5) == timedelta(milliseconds=50)


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def run(attempt: Callable[[], str], waits: list[float]) -> str:
    return retry(
        attempt,
        backoff=BACKOFF,
        may_retry=lambda error: isinstance(error, Unavailable),
        sleep=waits.append,
        jitter=lambda: 1.0,
    )


def test_it_waits_longer_after_each_failure_and_returns_the_first_success() -> None:
    waits: list[float] = []
    assert run(failing(*[Unavailable("x")] * 3), waits) == "done"
    assert waits == [0.1, 0.2, 0.35]


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    waits: list[float] = []
    with pytest.raises(Unavailable, match="fourth"):
        run(failing(*[Unavailable("x")] * 3, Unavailable("fourth")), waits)
    assert len(waits) == 3


def test_an_error_that_must_not_be_retried_is_raised_at_once() -> None:
    waits: list[float] = []
    with pytest.raises(Conflict, match=r"^x$"):
        run(failing(Conflict("x")), waits)
    assert not waits


def test_no_wait_begins_that_would_pass_the_deadline() -> None:
    waits: list[float] = []
    with deadline.within(timedelta(milliseconds=90)), pytest.raises(DeadlineExceeded) as raised:
        run(failing(Unavailable("the cause")), waits)
    assert not waits
    assert isinstance(raised.value.__cause__, Unavailable)
