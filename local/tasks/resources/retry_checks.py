"""Validation and defaults of RetryConfig (v2 reference)."""

from datetime import timedelta
from typing import Any

from local.rpc.errors import InvalidArgument
from local.tasks.v2.times import read_duration

_DEFAULT_ATTEMPTS = 100
_DEFAULT_MIN_BACKOFF = timedelta(milliseconds=100)
_DEFAULT_MAX_BACKOFF = timedelta(hours=1)
_DEFAULT_DOUBLINGS = 16


def complete_retry(config: Any) -> None:
    """Validate a RetryConfig and set its defaults, in place; InvalidArgument if it is invalid."""
    if config.max_attempts < -1:
        raise InvalidArgument("RetryConfig.maxAttempts must be greater or equal to -1.")
    if config.max_doublings < 0:
        raise InvalidArgument("RetryConfig.maxDoublings cannot be negative.")
    config.max_attempts = config.max_attempts or _DEFAULT_ATTEMPTS
    config.max_doublings = config.max_doublings or _DEFAULT_DOUBLINGS
    _complete_backoff(config)


def _complete_backoff(config: Any) -> None:
    read_duration(config.max_retry_duration, "RetryConfig.maxRetryDuration")
    if config.max_retry_duration.nanos:
        config.max_retry_duration.nanos = 0
    shortest = read_duration(config.min_backoff, "RetryConfig.minBackoff") or _DEFAULT_MIN_BACKOFF
    longest = read_duration(config.max_backoff, "RetryConfig.maxBackoff") or _DEFAULT_MAX_BACKOFF
    if longest < shortest:
        raise InvalidArgument(
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."
        )
    config.min_backoff.FromTimedelta(shortest)
    config.max_backoff.FromTimedelta(longest)
