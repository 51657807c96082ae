"""Sends HTTP requests over kept-alive connections, each within a deadline."""

import contextlib
import http.client
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

_MAX_KEPT = 64
_MAX_BODY_READ = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: an http URL and the parts of the request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or 0 and the failure; `retry_after` is the header in seconds."""

    status: int
    failure: str = ""
    timed_out: bool = False
    retry_after: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Tell whether the status is one of 200 to 299."""
        return 200 <= self.status <= 299


class _Connection(http.client.HTTPConnection):
    reused = False


@dataclass(slots=True)
class ConnectionPool:
    """Connections by host and port: the last one used is the first one used again."""

    _kept: dict[tuple[str, int], list[_Connection]] = field(default_factory=dict)
    _open: set[_Connection] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, request: Request, deadline: float) -> Answer:
        """Send a request and wait at most `deadline` seconds for its answer.

        A failure to connect, send or receive is an Answer too. A request that meets a kept
        connection just closed by its server is sent once more, on a new one.
        """
        ends = time.monotonic() + deadline
        parts = urlsplit(request.url)
        connection = self._take(parts.hostname or "", parts.port or 80)
        try:
            return self._exchange(connection, request, ends)
        except TimeoutError:
            self._drop(connection)
            return Answer(0, f"no answer within {deadline:g} s", timed_out=True)
        except (OSError, http.client.HTTPException) as error:
            self._drop(connection)
            if connection.reused and isinstance(error, ConnectionError):
                return self.send(request, ends - time.monotonic())
            return Answer(0, _describe(error))

    def close(self) -> None:
        """Break every connection: those who wait on one get an answer of failure."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, connection: _Connection, request: Request, ends: float) -> Answer:
        parts = urlsplit(request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        _set_timeout(connection, ends)
        connection.request(request.method, path, request.body or None, request.headers)
        _set_timeout(connection, ends)
        response = connection.getresponse()
        read = 0
        while read < _MAX_BODY_READ and (chunk := response.read1(65536)):
            read += len(chunk)
            _set_timeout(connection, ends)
        reusable = response.isclosed() and not response.will_close
        self._keep(connection) if reusable else self._drop(connection)
        return Answer(response.status, retry_after=_read_retry_after(response))

    def _take(self, host: str, port: int) -> _Connection:
        with self._lock:
            kept = self._kept.setdefault((host, port), [])
            while kept:
                connection = kept.pop()
                if not _is_stale(connection):
                    connection.reused = True
                    return connection
                self._open.discard(connection)
                connection.close()
            connection = _Connection(host, port)
            self._open.add(connection)
            return connection

    def _keep(self, connection: _Connection) -> None:
        with self._lock:
            kept = self._kept.setdefault((connection.host, connection.port), [])
            if len(kept) < _MAX_KEPT:
                kept.append(connection)
                return
        self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _set_timeout(connection: _Connection, ends: float) -> None:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.timeout = left
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _is_stale(connection: _Connection) -> bool:
    """Tell whether the server closed a kept connection: it is readable, though unasked."""
    connection.sock.setblocking(False)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _describe(error: Exception) -> str:
    """Return one line of ASCII: it is sent as a header on the next attempt."""
    text = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode()
    return " ".join(text.split())


def _read_retry_after(response: http.client.HTTPResponse) -> float:
    text = response.getheader("Retry-After")
    if text is None:
        return 0.0
    if text.strip().isdigit():
        return float(text)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0
