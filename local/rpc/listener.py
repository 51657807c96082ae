"""The port: gRPC connections, and plain HTTP requests for whoever looks in."""

import logging
import socket
import threading
from collections.abc import Callable, Mapping

from local.rpc.connection import Connection, Handler
from local.rpc.frames import PREFACE

_LOG = logging.getLogger(__name__)
_BACKLOG = 128
_MAX_REQUEST_BYTES = 64 * 1024
#: Seconds that a plain HTTP client may take to send its request.
_HTTP_PATIENCE = 10.0

#: Answers a plain request: ("GET", "/") -> what returns the body.
Pages = Mapping[tuple[str, str], Callable[[], str]]


class PortTaken(Exception):
    """The port cannot be listened on; the message names it."""


class Listener:
    """Accepts connections on one port of the loopback interface; port 0 takes any free one."""

    def __init__(self, host: str, port: int) -> None:
        self._connections: set[Connection] = set()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(_BACKLOG)
        except OSError as error:
            self._socket.close()
            raise PortTaken(f"port {port} of {host}: {error.strerror}") from error
        self.port: int = self._socket.getsockname()[1]

    def start(self, handle: Handler, pages: Pages) -> None:
        """Begin to accept."""
        threading.Thread(target=self._accept, args=(handle, pages), daemon=True).start()

    def stop(self) -> None:
        """Accept nobody any more and end what is connected."""
        # Closing alone does not wake the thread that accepts.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._connections):
            connection.close()

    def _accept(self, handle: Handler, pages: Pages) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(accepted, handle, pages), daemon=True
            ).start()

    def _serve(self, accepted: socket.socket, handle: Handler, pages: Pages) -> None:
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = accepted.recv(_MAX_REQUEST_BYTES)
        except OSError:
            accepted.close()
            return
        if not PREFACE.startswith(received[: len(PREFACE)]):
            _serve_page(accepted, received, pages)
            return
        connection = Connection(accepted, handle, received, self._connections.discard)
        self._connections.add(connection)
        connection.serve()


def _serve_page(accepted: socket.socket, received: bytes, pages: Pages) -> None:
    with accepted:
        accepted.settimeout(_HTTP_PATIENCE)
        try:
            while b"\r\n\r\n" not in received and len(received) < _MAX_REQUEST_BYTES:
                data = accepted.recv(_MAX_REQUEST_BYTES)
                if not data:
                    return
                received += data
            accepted.sendall(_answer_page(received, pages))
        except OSError:
            _LOG.debug("a plain HTTP client went away")


def _answer_page(received: bytes, pages: Pages) -> bytes:
    words = received.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    page = pages.get((words[0], words[1])) if len(words) == 3 else None
    status, body = ("200 OK", page()) if page else ("404 Not Found", "Not Found\n")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    )
    return (head + body).encode()
