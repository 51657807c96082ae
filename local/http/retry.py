"""When a failed task is retried: a queue's RetryConfig as pure functions."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

#: The maximum age of a task, with any retry settings (v2 reference, CreateQueue).
MAX_RETENTION = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """A RetryConfig; a `max_retry_duration` of 0 and `max_attempts` of -1 mean no limit."""

    max_attempts: int
    max_retry_duration: timedelta
    min_backoff: timedelta
    max_backoff: timedelta
    max_doublings: int


def read_policy(config: Any) -> RetryConfig:
    """Return the policy in a RetryConfig message."""
    return RetryConfig(
        max_attempts=config.max_attempts,
        max_retry_duration=config.max_retry_duration.ToTimedelta(),
        min_backoff=config.min_backoff.ToTimedelta(),
        max_backoff=config.max_backoff.ToTimedelta(),
        max_doublings=config.max_doublings,
    )


def compute_backoff(policy: RetryConfig, attempts: int) -> timedelta:
    """Return the wait before the next attempt, after `attempts` (at least 1).

    It doubles `max_doublings` times, then grows linearly, up to `max_backoff`.
    """
    doublings = min(attempts - 1, policy.max_doublings)
    steps = max(1, attempts - policy.max_doublings)
    factor: int = 2**doublings * steps
    try:
        return min(policy.min_backoff * factor, policy.max_backoff)
    except OverflowError:
        return policy.max_backoff


def is_exhausted(policy: RetryConfig, attempts: int, age: timedelta) -> bool:
    """Tell whether retries end after `attempts`, `age` after the first attempt.

    Both limits must be reached. A limit that is not set counts as reached, unless neither is set.
    """
    if age >= MAX_RETENTION:
        return True
    if policy.max_attempts == -1 and not policy.max_retry_duration:
        return False
    out_of_attempts = policy.max_attempts == -1 or attempts >= policy.max_attempts
    return out_of_attempts and age >= policy.max_retry_duration
