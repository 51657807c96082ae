"""Valid retry policies, and the lengths of their pauses."""

import re
from datetime import timedelta
from typing import Any

import pytest

from lib.saga.definition.retry_policy import RetryPolicy
from lib.timing.backoff import Backoff

NOW = timedelta(0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"attempts": -1},
            "attempts is -1: an action runs at least once",
        ),
        ({"attempts": 1001}, "attempts is 1001: it is at most 1000"),
        ({"attempts": True}, "attempts is True: write an int"),
        ({"attempts": 2.0}, "attempts is 2.0 (float): write an int"),
        ({"attempts": None}, "attempts is None: write an int"),
        ({"factor": 0.5}, "factor is 0.5: a pause cannot shrink"),
        ({"factor": float("nan")}, "factor is nan"),
        ({"factor": float("inf")}, "factor is inf"),
        ({"factor": True}, "factor is True: write a number"),
        ({"factor": "2"}, "factor is '2' (str): write a number"),
        ({"first": 5}, "first is 5 (int): write a timedelta, first=timedelta(seconds=5)"),
        ({"cap": 60.0}, "cap is 60.0 (float): write a timedelta"),
        ({"first": timedelta(seconds=-1)}, "first is -1 day, 23:59:59: it must not be negative"),
        (
            {"first": timedelta(hours=1)},
            "the cap of 0:01:00 is shorter than the first pause",
        ),
        ({"cap": timedelta(days=30)}, "cap is 30 days, 0:00:00: it is at most 29 days"),
        ({"cap": timedelta.max}, "it is at most 29 days"),
    ],
)
def test_an_impossible_policy_is_refused(options: dict[str, Any], said: str) -> None:
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


def test_the_jitter_scales_the_pause() -> None:
    assert RetryPolicy().delay(48, 0.5) == timedelta(seconds=30)


def test_a_backoff_whose_factor_is_huge_is_capped_too() -> None:
    assert Backoff(factor=1e300).ceiling(60) == timedelta(seconds=5)
