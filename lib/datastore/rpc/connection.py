"""The connection: one channel per process, made on first use, and v1 calls by method name.

Nothing here opens a socket or starts a thread before the first call: functions are imported
before the server forks, and a channel made by then would be dead in the worker.
"""

import os
import threading
from typing import Any, Protocol
from urllib.parse import urlencode

from lib.datastore.v1.messages import PACKAGE, message
from lib.errors import Unavailable

SERVICE = f"/{PACKAGE}.Datastore"
HOST = "datastore.googleapis.com"
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/datastore",
)
#: gRPC's own default of 4 MiB is less than one Lookup may answer; and by itself it waits up to
#: two minutes before it tries to connect to a server again that was down.
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


class Rpc(Protocol):
    """What a Store stands on. Wrap one to count calls, to delay them or to lose their answers."""

    project: str
    database: str

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Send one request, such as `Lookup`; raise grpc.RpcError as it comes."""
        ...

    def close(self) -> None:
        """Let go of the channel; the next call makes a new one."""
        ...


class Connection:
    """A connection to Datastore itself, or to a server that speaks its v1 API without TLS."""

    def __init__(self, project: str, database: str, emulator_host: str | None) -> None:
        self.project = project
        self.database = database
        self._emulator_host = emulator_host
        self._lock = threading.Lock()
        self._channel: Any = None
        self._owner = 0
        self._calls: dict[str, Any] = {}
        routing = {"project_id": project} | ({"database_id": database} if database else {})
        self._metadata = (("x-goog-request-params", urlencode(routing)),)

    def call(self, method: str, request: Any, timeout: float) -> Any:
        """Send one request and return the answer; raise grpc.RpcError as it comes.

        Raises Unavailable where there are no credentials to open the channel with.
        """
        found = self._calls.get(method)
        if found is None or self._owner != os.getpid():
            found = self._prepare(method)
        return found(request, timeout=timeout, metadata=self._metadata)

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
            made = self._calls[method] = self._channel.unary_unary(
                f"{SERVICE}/{method}",
                request_serializer=message(f"{method}Request").SerializeToString,
                response_deserializer=message(f"{method}Response").FromString,
            )
            return made

    def _open(self) -> Any:
        import grpc

        if self._emulator_host:
            return grpc.insecure_channel(self._emulator_host, options=OPTIONS)
        # What the stock client's transport calls; importing that would import REST and asyncio.
        from google.api_core import grpc_helpers
        from google.auth.exceptions import GoogleAuthError

        try:
            return grpc_helpers.create_channel(
                HOST, default_scopes=SCOPES, default_host=HOST, options=OPTIONS
            )
        except GoogleAuthError as problem:  # an instance's metadata server may be away, too
            why = f"{problem} On your own machine set DATASTORE_EMULATOR_HOST instead."
            raise Unavailable("Datastore cannot be reached", internal=why) from problem


def connect(project: str, database: str = "", emulator_host: str | None = None) -> Connection:
    """Describe a connection; nothing is opened before its first call.

    `emulator_host` (`host:port`) is a server without TLS or credentials: the local one or one of
    Google's emulators. Without it, the credentials are the application default ones.
    """
    return Connection(project, database, emulator_host)
