"""Validation and defaults of a queue's settings (v2 reference, Queue)."""

import math
from typing import Any

from local.rpc.errors import InvalidArgument
from local.tasks.resources.app_engine import make_host
from local.tasks.resources.retry_checks import complete_retry
from local.tasks.resources.target import check_target
from local.tasks.v2.messages import RUNNING
from local.tasks.v2.names import check_queue

_MAX_RATE = 500.0
_MAX_CONCURRENT = 5000
_DEFAULT_CONCURRENT = 1000


def complete_queue(queue: Any) -> Any:
    """Validate a queue message and set its defaults, in place.

    Raises InvalidArgument if the service would refuse it, and Unimplemented for features that only
    Google's service has.
    """
    check_queue(queue.name)
    if queue.HasField("app_engine_routing_override"):
        routing = queue.app_engine_routing_override
        routing.host = make_host(routing, queue.name.split("/")[1])
    if queue.HasField("http_target"):
        check_target(queue.http_target)
    if not 0 <= queue.stackdriver_logging_config.sampling_ratio <= 1:
        raise InvalidArgument("StackdriverLoggingConfig.sampling_ratio must be in [0.0, 1.0].")
    _complete_rate(queue.rate_limits)
    complete_retry(queue.retry_config)
    queue.state = queue.state or RUNNING
    return queue


def _complete_rate(limits: Any) -> None:
    rate = limits.max_dispatches_per_second or _MAX_RATE
    _check_range(rate, _MAX_RATE, "maxDispatchesPerSecond")
    concurrent = limits.max_concurrent_dispatches or _DEFAULT_CONCURRENT
    _check_range(concurrent, _MAX_CONCURRENT, "maxConcurrentDispatches")
    limits.max_dispatches_per_second = rate
    limits.max_burst_size = max(1, math.ceil(rate))
    limits.max_concurrent_dispatches = concurrent


def _check_range(value: float, most: float, field: str) -> None:
    if value < 0:
        raise InvalidArgument(f"RateLimits.{field} cannot be negative.")
    if not value <= most:
        raise InvalidArgument(f"RateLimits.{field} must be less than or equal to {most:g}.")
