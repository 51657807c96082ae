"""What makes a queue's settings acceptable, and their defaults (v2 reference, Queue)."""

import math
from datetime import timedelta
from typing import Any

from local.tasks.messages import RUNNING
from local.tasks.names import check_queue
from local.tasks.refusals import InvalidArgument, Unserved

_MAX_RATE = 500.0
_MAX_CONCURRENT = 5000
_DEFAULT_CONCURRENT = 1000
_DEFAULT_ATTEMPTS = 100
_DEFAULT_MIN_BACKOFF = timedelta(milliseconds=100)
_DEFAULT_MAX_BACKOFF = timedelta(hours=1)
_DEFAULT_DOUBLINGS = 16


def complete_queue(queue: Any) -> Any:
    """Check a queue message and fill in its defaults, in place.

    Raises InvalidArgument for what the service refuses, and Unserved for what only Google's does.
    """
    check_queue(queue.name)
    if queue.HasField("http_target") or queue.HasField("app_engine_routing_override"):
        raise Unserved("Queue-level targets are not served locally; set them on the task.")
    _complete_rate(queue.rate_limits)
    complete_retry(queue.retry_config)
    queue.state = queue.state or RUNNING
    return queue


def _complete_rate(limits: Any) -> None:
    rate = limits.max_dispatches_per_second or _MAX_RATE
    if not 0 < rate <= _MAX_RATE:
        raise InvalidArgument("RateLimits.max_dispatches_per_second must be in (0, 500].")
    concurrent = limits.max_concurrent_dispatches or _DEFAULT_CONCURRENT
    if not 0 < concurrent <= _MAX_CONCURRENT:
        raise InvalidArgument("RateLimits.max_concurrent_dispatches must be in [1, 5000].")
    limits.max_dispatches_per_second = rate
    limits.max_burst_size = max(1, math.ceil(rate))
    limits.max_concurrent_dispatches = concurrent


def complete_retry(config: Any) -> None:
    """Check a RetryConfig and fill in its defaults, in place."""
    if config.max_attempts < -1:
        raise InvalidArgument("RetryConfig.max_attempts must be -1 (unlimited) or more.")
    if config.max_doublings < 0:
        raise InvalidArgument("RetryConfig.max_doublings must not be negative.")
    config.max_attempts = config.max_attempts or _DEFAULT_ATTEMPTS
    config.max_doublings = config.max_doublings or _DEFAULT_DOUBLINGS
    _complete_backoff(config)


def _complete_backoff(config: Any) -> None:
    if config.max_retry_duration.ToTimedelta() < timedelta():
        raise InvalidArgument("RetryConfig.max_retry_duration must not be negative.")
    if not config.HasField("min_backoff"):
        config.min_backoff.FromTimedelta(_DEFAULT_MIN_BACKOFF)
    if not config.HasField("max_backoff"):
        config.max_backoff.FromTimedelta(_DEFAULT_MAX_BACKOFF)
    if config.max_backoff.ToTimedelta() < config.min_backoff.ToTimedelta():
        raise InvalidArgument("RetryConfig.min_backoff must not be longer than max_backoff.")
    if config.min_backoff.ToTimedelta() < timedelta():
        raise InvalidArgument("RetryConfig.min_backoff must not be negative.")
