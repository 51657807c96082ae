"""The listening port: accepts gRPC and HTTP/1.1 connections."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from struct import pack
from typing import Protocol

from local.host.ports import PortTaken
from local.rpc.connection import Handler, Http2Connection
from local.rpc.frames import PREFACE
from local.rpc.http1 import Http1Connection, HttpRequest, HttpResponse, Respond, render_text

_LOG = logging.getLogger(__name__)
_BACKLOG = 128
_FIRST_BYTES = 64 * 1024
#: Seconds that a client may take to send its first bytes.
_PATIENCE = 10.0
#: How long a client may leave responses unread before its connection ends: a C timeval of 60 s.
_SEND_TIMEOUT = pack("ll", 60, 0)
#: Seconds between two attempts to accept while there is no room for a connection.
_PAUSE = 0.1

#: The maximum number of connections; each has its own thread.
MAX_CONNECTIONS = 500


class _Conversation(Protocol):
    """A connection of either version of HTTP."""

    @property
    def idle_since(self) -> float | None: ...

    def dismiss(self) -> None: ...

    def close(self) -> None: ...


class Listener:
    """Accepts connections on one port of the loopback interface; port 0 takes any free one.

    `most` is the maximum number of connections: for one more, it closes the longest idle one.
    """

    def __init__(self, host: str, port: int, most: int = MAX_CONNECTIONS) -> None:
        self._most = most
        self._connections: set[_Conversation] = set()
        self._ending = threading.Lock()
        self._stopped = False
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(_BACKLOG)
        except OSError as error:
            self._socket.close()
            raise PortTaken(f"port {port} of {host}: {error.strerror}") from error
        self.port: int = self._socket.getsockname()[1]

    def start(self, handle: Handler, respond: Respond) -> None:
        """Start accepting connections, in a thread."""
        threading.Thread(target=self._accept_all, args=(handle, respond), daemon=True).start()

    def stop(self) -> None:
        """Stop accepting, and close all connections."""
        self._stopped = True
        # close() alone does not wake the accepting thread.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._connections):
            connection.close()

    def _accept_all(self, handle: Handler, respond: Respond) -> None:
        """Accept until the listener is stopped, even after errors.

        If the process has run out of file descriptors or threads, it first closes a connection; the
        next client waits in the backlog.
        """
        while not self._stopped:
            try:
                accepted, _ = self._socket.accept()
            except OSError as error:
                self._make_room(error)
                continue
            serve = threading.Thread(
                target=self._serve, args=(accepted, handle, respond), daemon=True
            )
            try:
                serve.start()
            except RuntimeError as error:
                accepted.close()
                self._make_room(error)

    def _make_room(self, error: Exception) -> None:
        if not self._stopped:
            _LOG.error("cannot accept a connection: %s", error)
            self._end_idlest(len(self._connections) - 1)
            time.sleep(_PAUSE)

    def _end_idlest(self, most: int) -> None:
        """Close the longest idle connections until `most` are left or none is idle."""
        with self._ending:
            while len(self._connections) > most:
                since = {each: each.idle_since for each in list(self._connections)}
                idle = {each: at for each, at in since.items() if at is not None}
                if not idle:
                    return
                min(idle, key=idle.__getitem__).dismiss()

    def _serve(self, accepted: socket.socket, handle: Handler, respond: Respond) -> None:
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.settimeout(_PATIENCE)
            received = _read_first(accepted)
            accepted.settimeout(None)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        except OSError:
            accepted.close()
            return
        connection = self._open(accepted, handle, respond, received)
        self._connections.add(connection)
        if len(self._connections) > self._most:
            self._end_idlest(self._most)
        connection.serve()

    def _open(
        self, accepted: socket.socket, handle: Handler, respond: Respond, received: bytes
    ) -> Http2Connection | Http1Connection:
        if received and PREFACE.startswith(received[: len(PREFACE)]):
            return Http2Connection(accepted, handle, received, self._connections.discard)
        return Http1Connection(accepted, respond, received, self._connections.discard)


def _read_first(accepted: socket.socket) -> bytes:
    """Return a connection's first bytes: enough to recognize its version of HTTP."""
    received = accepted.recv(_FIRST_BYTES)
    while len(received) < len(PREFACE) and received and PREFACE.startswith(received):
        data = accepted.recv(_FIRST_BYTES)
        if not data:
            break
        received += data
    return received


def serve_pages(pages: Mapping[tuple[str, str], Callable[[], str]]) -> Respond:
    """Return a responder for a table of pages: ("GET", "/") -> a function that returns text."""

    def respond(request: HttpRequest) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else request.method
        page = pages.get((method, request.path))
        if page is None:
            return render_text(HTTPStatus.NOT_FOUND, "Not Found\n")
        return render_text(HTTPStatus.OK, page())

    return respond
