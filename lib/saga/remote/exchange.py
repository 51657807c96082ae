"""A request, its answer, and the network between a step and the service that it calls."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from lib.saga.definition.context import Retry
from lib.saga.state.limits import MAX_OUTPUT
from lib.timing.clock import now

#: The maximum size of an answer: that of a step's output.
MAX_ANSWER = MAX_OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class Ending(StrEnum):
    """How far the body of an answer was read."""

    WHOLE = "whole"
    OVERSIZED = "oversized"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The response; the names in `headers` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    ending: Ending = Ending.WHOLE


def seconds_until(deadline: datetime) -> float:
    """Return the seconds that are left; raise Retry if there are none, before anything is sent."""
    left = (deadline - now()).total_seconds()
    if left <= 0:
        raise Retry("the deadline had passed before the request was sent")
    return left


class Network(Protocol):
    """The connection between a step and the service that it calls."""

    def exchange(self, request: Request, deadline: datetime) -> Answer:
        """Send a request and return the answer, whatever its status; do not follow redirects.

        Raises Retry if nothing was sent, and Unknown if it was sent but no answer came.
        """
        ...

    def fetch_token(self, tokens: Callable[[str], str], audience: str) -> str:
        """Return a token for an audience from a token source; raises what the source raises."""
        ...


class Internet:
    """The real network."""

    def exchange(self, request: Request, deadline: datetime) -> Answer:
        """Send a request over a kept connection."""
        # The client is loaded by the first call: declaring a remote step does not load it.
        from lib.saga.remote.internet import exchange

        return exchange(request, deadline)

    def fetch_token(self, tokens: Callable[[str], str], audience: str) -> str:
        """Ask the token source."""
        return tokens(audience)


#: The network of this context: a test sets its own.
NETWORK: ContextVar[Network] = ContextVar("network", default=Internet())  # noqa: B039  immutable
