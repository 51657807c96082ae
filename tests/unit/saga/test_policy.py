"""Which retry policies there are, and how long their pauses get."""

import re
from datetime import timedelta
from typing import Any

import pytest

from lib.retry import Backoff
from lib.saga.policy import RetryPolicy

NOW = timedelta(0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attempts": -1}, "attempts is a whole number from 1 to 1000, not -1"),
        ({"attempts": 1001}, "not 1001"),
        ({"attempts": True}, "not True"),
        ({"attempts": 2.0}, "not 2.0"),
        ({"attempts": None}, "not None"),
        ({"factor": 0.5}, "factor is a finite number of at least 1, not 0.5"),
        ({"factor": float("nan")}, "not nan"),
        ({"factor": float("inf")}, "not inf"),
        ({"factor": True}, "not True"),
        ({"factor": "2"}, "not '2'"),
        ({"first": 5}, "first is a timedelta, such as timedelta(seconds=5), not 5"),
        ({"cap": 60.0}, "cap is a timedelta"),
        ({"first": timedelta(seconds=-1)}, "0 <= first <= cap <= 29 days does not hold"),
        ({"first": timedelta(hours=1)}, "first=1:00:00, cap=0:01:00"),
        ({"cap": timedelta(days=30)}, "cap=30 days"),
        ({"cap": timedelta.max}, "does not hold"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_in_words(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        RetryPolicy(**options)


@pytest.mark.parametrize("factor", [1.0, 1, 1.001, 2.0, 10.0, 1e308])
@pytest.mark.parametrize("first", [NOW, timedelta(microseconds=1), timedelta(days=29)])
def test_no_attempt_of_any_policy_overflows(factor: float, first: timedelta) -> None:
    cap = timedelta(days=29)
    policy = RetryPolicy(attempts=1000, first=first, factor=factor, cap=cap)
    pauses = [policy.delay(attempt, 0.999) for attempt in range(1, 1001)]
    assert pauses == sorted(pauses)
    assert NOW <= pauses[0] <= pauses[-1] <= cap
    assert (pauses[-1] == NOW) == (first == NOW)


def test_the_pause_grows_by_the_factor_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=100, first=timedelta(seconds=1), cap=timedelta(seconds=60))
    assert [policy.delay(n, 1.0).total_seconds() for n in (1, 2, 3, 6, 7, 8, 99)] == [
        1, 2, 4, 32, 60, 60, 60,
    ]  # fmt: skip


def test_the_jitter_stays() -> None:
    assert RetryPolicy().delay(48, 0.5) == timedelta(seconds=30)


def test_a_backoff_whose_factor_is_huge_is_capped_too() -> None:
    assert Backoff(factor=1e300).ceiling(60) == timedelta(seconds=5)
