"""The connection: one channel per process, made on first use, and calls by method name.

Nothing here opens a socket or starts a thread before the first call: functions are imported before
the server forks, and a channel made before the fork would not work in the worker.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lib.errors import Unavailable
from lib.rpc.messages import load_message

#: gRPC's default limit of 4 MiB is too small for the answer of a Lookup. By default it also waits
#: up to two minutes before it reconnects to a server that was down.
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One of Google's services, and the library that declares its messages."""

    title: str
    #: The full name of its gRPC service.
    service: str
    library: str
    host: str
    scopes: tuple[str, ...]
    #: The environment variable that selects a local server instead.
    variable: str
    #: The answers whose message is not named after their method: `{"CreateTask": "Task"}`.
    answers: Mapping[str, str] = field(default_factory=dict)

    def message(self, name: str) -> Any:
        """Return the class of a message, such as `CommitRequest`."""
        return load_message(self.library, f"{self.service.rpartition('.')[0]}.{name}")


class Connection:
    """A connection to a service, or to a local server that speaks its API without TLS."""

    def __init__(self, api: Api, local_host: str | None) -> None:
        self._api = api
        self._local_host = local_host
        self._lock = threading.Lock()
        self._channel: Any = None
        self._owner = 0
        self._calls: dict[str, Any] = {}

    def invoke(self, method: str, request: Any, timeout: float, metadata: Any) -> Any:
        """Send one request and return the answer; `timeout` is in seconds.

        Raises grpc.RpcError, and Unavailable if there are no credentials to open the channel with.
        """
        found = self._calls.get(method)
        if found is None or self._owner != os.getpid():
            found = self._prepare(method)
        return found(request, timeout=timeout, metadata=metadata)

    def close(self) -> None:
        """Close the channel; the next call makes a new one."""
        with self._lock:
            if self._channel is not None and self._owner == os.getpid():
                self._channel.close()
            self._forget()

    def _forget(self) -> None:
        self._channel, self._calls = None, {}

    def _prepare(self, method: str) -> Any:
        with self._lock:
            if self._owner != os.getpid():
                self._forget()
                self._owner = os.getpid()
            if self._channel is None:
                self._channel = self._open()
            answer = self._api.answers.get(method, f"{method}Response")
            made = self._calls[method] = self._channel.unary_unary(
                f"/{self._api.service}/{method}",
                request_serializer=self._api.message(f"{method}Request").SerializeToString,
                response_deserializer=self._api.message(answer).FromString,
            )
            return made

    def _open(self) -> Any:
        import grpc

        api = self._api
        if self._local_host:
            return grpc.insecure_channel(self._local_host, options=OPTIONS)
        # The stock client's transport calls this; importing that would import REST and asyncio.
        from google.api_core import grpc_helpers
        from google.auth.exceptions import GoogleAuthError

        try:
            return grpc_helpers.create_channel(
                api.host, default_scopes=api.scopes, default_host=api.host, options=OPTIONS
            )
        except GoogleAuthError as problem:  # an instance's metadata server may be unavailable, too
            why = f"{problem} On your own machine set {api.variable} instead."
            raise Unavailable(f"{api.title} cannot be reached", internal=why) from problem


def route(**parameters: str) -> Any:
    """Return the metadata that Google's front ends need to route a call."""
    return (("x-goog-request-params", urlencode(parameters)),)
