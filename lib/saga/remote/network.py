"""The network between a step and the service that it calls; a test sets its own."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Protocol

from lib.saga.remote.exchange import Answer, Request


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
