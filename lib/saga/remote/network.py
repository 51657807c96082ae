"""The network between a step and the service that it calls; a test can replace it."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Protocol

from lib.saga.remote.exchange import CallAnswer, CallRequest


class Network(Protocol):
    """The connection between a step and the service that it calls."""

    def exchange(self, request: CallRequest, deadline: datetime) -> CallAnswer:
        """Send a request and return the answer, whatever its status. Follows no redirects.

        Raises Retry if nothing was sent, and Unknown if it was sent but there was no answer.
        """
        ...

    def fetch_token(self, tokens: Callable[[str], str], audience: str) -> str:
        """Return a token for an audience from a token source. Raises what the source raises."""
        ...


class Internet:
    """The real network."""

    def exchange(self, request: CallRequest, deadline: datetime) -> CallAnswer:
        """Send a request, over a connection that is kept open."""
        # The client is loaded by the first call: declaring a remote step does not load it.
        from lib.saga.remote.internet import exchange

        return exchange(request, deadline)

    def fetch_token(self, tokens: Callable[[str], str], audience: str) -> str:
        """Return the token source's token."""
        return tokens(audience)


#: The network of this context. A test can replace it.
NETWORK: ContextVar[Network] = ContextVar("network", default=Internet())  # noqa: B039  immutable
