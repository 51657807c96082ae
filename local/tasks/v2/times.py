"""Reads durations and times from messages; InvalidArgument if they are out of range."""

from datetime import timedelta
from typing import Any

from local.rpc.errors import InvalidArgument

_LAST_SECOND = 253402300799
_MAX_DURATION_SECONDS = 315576000000


def read_duration(message: Any, field: str) -> timedelta:
    """Return a Duration; InvalidArgument, naming the field, if it is negative or invalid."""
    if message.seconds < 0 or message.nanos < 0:
        raise InvalidArgument(f"{field} cannot be negative.")
    if message.seconds > _MAX_DURATION_SECONDS or message.nanos > 999_999_999:
        raise InvalidArgument(f"{field} must be a valid duration.")
    duration: timedelta = message.ToTimedelta()
    return duration


def read_time(message: Any, field: str) -> float:
    """Return a Timestamp in epoch seconds, to the microsecond; InvalidArgument if invalid."""
    if not (0 <= message.seconds <= _LAST_SECOND and 0 <= message.nanos <= 999_999_999):
        raise InvalidArgument(f"{field} must be a valid time.")
    return float(message.seconds + message.nanos // 1000 / 1e6)
