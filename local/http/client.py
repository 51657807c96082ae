"""Sends HTTP/1.1 requests over kept-alive connections, each within a deadline."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

_MAX_KEPT = 64
_READ_BYTES = 64 * 1024
_MAX_HEAD = 64 * 1024
_MAX_BODY_READ = 1024 * 1024
_LENGTH = re.compile(rb"[0-9]{1,8}")


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


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection
    reused: bool = False

    async def next_event(self) -> Any:
        """Return what comes next of an answer; raise EOFError when there is nothing of it."""
        while (event := self.state.next_event()) is h11.NEED_DATA:
            data = await self.reader.read(_READ_BYTES)
            if not data and self.state.trailing_data[0] == b"" and self._is_untold:
                raise EOFError("the connection was closed before an answer")
            self.state.receive_data(data)
        return event

    @property
    def _is_untold(self) -> bool:
        return self.state.their_state is h11.SEND_RESPONSE


@dataclass(slots=True)
class ConnectionPool:
    """Connections by host and port: the last one used is the first one used again."""

    _kept: dict[str, list[_Connection]] = field(default_factory=dict)

    async def send(self, request: Request, deadline: float) -> Answer:
        """Send a request and wait at most `deadline` seconds for its answer.

        A failure to connect, send or receive is an Answer too. A request that meets a kept
        connection just closed by its server is sent once more, on a new one.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._send(request)
        except TimeoutError:
            return Answer(0, f"no answer within {deadline:g} s", timed_out=True)
        except (OSError, EOFError, h11.ProtocolError) as error:
            return Answer(0, _describe(error))

    def close(self) -> None:
        """Close the connections that are kept."""
        for kept in self._kept.values():
            while kept:
                kept.pop().writer.close()

    async def _send(self, request: Request) -> Answer:
        url = urlsplit(request.url)
        connection = await self._take(url)
        try:
            connection.writer.write(_encode(connection.state, request, url))
            head = await _read_head(connection)
        except (ConnectionError, EOFError):
            connection.writer.close()
            if connection.reused:
                return await self._send(request)
            raise
        except BaseException:
            connection.writer.close()
            raise
        return await self._receive(connection, url, head)

    async def _receive(
        self, connection: _Connection, url: SplitResult, head: h11.Response
    ) -> Answer:
        reusable = False
        try:
            reusable = await _skip_body(connection)
            headers = dict(head.headers)
            after = headers.get(b"retry-after")
            return Answer(head.status_code, retry_after=_read_retry_after(after))
        finally:
            self._keep(url, connection) if reusable else connection.writer.close()

    async def _take(self, url: SplitResult) -> _Connection:
        kept = self._kept.get(url.netloc, [])
        while kept:
            connection = kept.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                connection.reused = True
                return connection
            connection.writer.close()
        streams = await asyncio.open_connection(url.hostname, url.port or 80)
        return _Connection(*streams, h11.Connection(h11.CLIENT, _MAX_HEAD))

    def _keep(self, url: SplitResult, connection: _Connection) -> None:
        kept = self._kept.setdefault(url.netloc, [])
        if len(kept) < _MAX_KEPT:
            connection.state.start_next_cycle()
            kept.append(connection)
        else:
            connection.writer.close()


def _encode(state: h11.Connection, request: Request, url: SplitResult) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = [("Host", url.netloc.rpartition("@")[2]), ("Accept", "*/*")]
    headers += request.headers.items()
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(request.body))))
    events = (
        h11.Request(method=request.method, target=target, headers=headers),
        h11.Data(data=request.body),
        h11.EndOfMessage(),
    )
    return b"".join(state.send(event) or b"" for event in events)


async def _read_head(connection: _Connection) -> h11.Response:
    while not isinstance(event := await connection.next_event(), h11.Response):
        if connection.state.their_state is h11.SWITCHED_PROTOCOL:
            raise h11.RemoteProtocolError("the answer is of another protocol")
    return event


async def _skip_body(connection: _Connection) -> bool:
    """Read a body and forget it; tell whether the connection can be used once more after it."""
    left = _MAX_BODY_READ
    while left > 0:
        event = await connection.next_event()
        if isinstance(event, h11.EndOfMessage):
            return connection.state.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        left -= len(event.data)
    return False


def _describe(error: Exception) -> str:
    """Return one line of ASCII: it is sent as a header on the next attempt."""
    text = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode()
    return " ".join(text.split())


def _read_retry_after(header: bytes | None) -> float:
    """Return a time to wait in seconds, none for what is no such header."""
    if header is None:
        return 0.0
    if _LENGTH.fullmatch(header):
        return float(header)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(header.decode("latin-1"))
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0
