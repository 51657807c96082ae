"""A request to a service and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lib.saga.definition.context import Retry
from lib.saga.state.limits import MAX_OUTPUT
from lib.timing.clock import now

#: The maximum size of an answer: that of a step's output.
MAX_ANSWER = MAX_OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """The request to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class Ending(StrEnum):
    """How the reading of an answer's body ended."""

    WHOLE = "whole"
    OVERSIZED = "oversized"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswer:
    """The response; the names in `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    ending: Ending = Ending.WHOLE


def seconds_until(deadline: datetime) -> float:
    """Return the remaining seconds; raise Retry if there are none, before anything is sent."""
    left = (deadline - now()).total_seconds()
    if left <= 0:
        raise Retry("the deadline had passed before the request was sent")
    return left
