"""The port: gRPC connections, and plain HTTP requests for whoever looks in."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping

from local.rpc.connection import Connection, Handler
from local.rpc.frames import PREFACE

_LOG = logging.getLogger(__name__)
_BACKLOG = 128
_MAX_REQUEST_BYTES = 64 * 1024
#: Seconds that a client may take to say its first words, and a plain HTTP client each of them.
_PATIENCE = 10.0
#: Seconds between two tries to accept while there is no room for one more connection.
_PAUSE = 0.1

#: How many connections are kept, each with a thread of its own.
MAX_CONNECTIONS = 500

#: Answers a plain request: ("GET", "/") -> what returns the body.
Pages = Mapping[tuple[str, str], Callable[[], str]]


class PortTaken(Exception):
    """The port cannot be listened on; the message names it."""


class Listener:
    """Accepts connections on one port of the loopback interface; port 0 takes any free one.

    `most` is how many connections are kept: for one more, the one that was idle longest is ended.
    """

    def __init__(self, host: str, port: int, most: int = MAX_CONNECTIONS) -> None:
        self._most = most
        self._connections: set[Connection] = set()
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

    def start(self, handle: Handler, pages: Pages) -> None:
        """Begin to accept."""
        threading.Thread(target=self._accept_all, args=(handle, pages), daemon=True).start()

    def stop(self) -> None:
        """Accept nobody any more and end what is connected."""
        self._stopped = True
        # Closing alone does not wake the thread that accepts.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._connections):
            connection.close()

    def _accept_all(self, handle: Handler, pages: Pages) -> None:
        """Accept until the listener is stopped, whatever goes wrong in between.

        Where the process has no file descriptor left, or no thread, somebody has to go first: the
        next client waits in the backlog meanwhile.
        """
        while not self._stopped:
            try:
                accepted, _ = self._socket.accept()
            except OSError as error:
                self._make_room(error)
                continue
            serve = threading.Thread(
                target=self._serve, args=(accepted, handle, pages), daemon=True
            )
            try:
                serve.start()
            except RuntimeError as error:
                accepted.close()
                self._make_room(error)

    def _make_room(self, error: Exception) -> None:
        if not self._stopped:
            _LOG.error("a connection could not be accepted: %s", error)
            self._end_idlest()
            time.sleep(_PAUSE)

    def _end_idlest(self) -> None:
        idle = [each for each in list(self._connections) if each.idle_since is not None]
        if idle:
            min(idle, key=lambda each: each.idle_since or 0.0).dismiss()

    def _serve(self, accepted: socket.socket, handle: Handler, pages: Pages) -> None:
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.settimeout(_PATIENCE)
            received = accepted.recv(_MAX_REQUEST_BYTES)
            accepted.settimeout(None)
        except OSError:
            accepted.close()
            return
        if not PREFACE.startswith(received[: len(PREFACE)]):
            _serve_page(accepted, received, pages)
            return
        connection = Connection(accepted, handle, received, self._connections.discard)
        self._connections.add(connection)
        if len(self._connections) > self._most:
            self._end_idlest()
        connection.serve()


def _serve_page(accepted: socket.socket, received: bytes, pages: Pages) -> None:
    with accepted:
        accepted.settimeout(_PATIENCE)
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
    status, body = _render(page) if page else ("404 Not Found", "Not Found\n")
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    )
    return (head + body).encode()


def _render(page: Callable[[], str]) -> tuple[str, str]:
    try:
        return "200 OK", page()
    except Exception as error:
        _LOG.exception("a page failed")
        return "503 Service Unavailable", f"{error}\n"
