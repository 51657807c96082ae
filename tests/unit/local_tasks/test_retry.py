from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from local.http.retry import RetryConfig, compute_backoff, is_exhausted


def make_policy(
    attempts: int = 100,
    duration: float = 0,
    low: float = 0.1,
    high: float = 3600,
    doublings: int = 16,
) -> RetryConfig:
    return RetryConfig(
        max_attempts=attempts,
        max_retry_duration=timedelta(seconds=duration),
        min_backoff=timedelta(seconds=low),
        max_backoff=timedelta(seconds=high),
        max_doublings=doublings,
    )


def test_backoff_doubles_then_grows_linearly_then_stays_as_in_the_reference() -> None:
    policy = make_policy(low=10, high=300, doublings=3)
    waits = [compute_backoff(policy, attempts).total_seconds() for attempts in range(1, 9)]
    assert waits == [10, 20, 40, 80, 160, 240, 300, 300]


def test_without_doublings_backoff_grows_linearly_from_the_start() -> None:
    policy = make_policy(low=2, high=7, doublings=0)
    waits = [compute_backoff(policy, attempts).total_seconds() for attempts in range(1, 6)]
    assert waits == [2, 4, 6, 7, 7]


@given(st.integers(1, 10**9), st.integers(0, 10**4))
def test_backoff_never_leaves_its_bounds(attempts: int, doublings: int) -> None:
    policy = make_policy(low=0.5, high=60, doublings=doublings)
    assert policy.min_backoff <= compute_backoff(policy, attempts) <= policy.max_backoff


def test_without_a_duration_attempts_alone_end_the_retries() -> None:
    policy = make_policy(attempts=3)
    assert not is_exhausted(policy, 2, timedelta(days=1))
    assert is_exhausted(policy, 3, timedelta(0))


def test_with_both_limits_both_must_be_reached() -> None:
    policy = make_policy(attempts=3, duration=60)
    assert not is_exhausted(policy, 50, timedelta(seconds=59))
    assert not is_exhausted(policy, 2, timedelta(seconds=61))
    assert is_exhausted(policy, 3, timedelta(seconds=60))


def test_unlimited_attempts_end_by_duration_alone() -> None:
    policy = make_policy(attempts=-1, duration=60)
    assert not is_exhausted(policy, 10_000, timedelta(seconds=59))
    assert is_exhausted(policy, 1, timedelta(seconds=60))


def test_without_limits_retries_end_when_the_task_is_31_days_old() -> None:
    policy = make_policy(attempts=-1)
    assert not is_exhausted(policy, 10**6, timedelta(days=30))
    assert is_exhausted(policy, 1, timedelta(days=31))
