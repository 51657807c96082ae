"""Sends HTTP/1.1 requests over kept-alive connections, each within a deadline."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

from local.http.messages import Answer, Request, list_headers, read_retry_after, target_of
from local.http.plain import encode_plain, read_plain

_MAX_KEPT = 64
_READ_BYTES = 64 * 1024
_MAX_HEAD = 64 * 1024
_MAX_BODY_READ = 1024 * 1024


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    reused: bool = False


class _Exchange:
    """One request and its response, through h11; `sent` is the request in bytes.

    Raises h11.ProtocolError if the request is invalid.
    """

    def __init__(self, reader: asyncio.StreamReader, request: Request, url: SplitResult) -> None:
        self._reader = reader
        self._state = h11.Connection(h11.CLIENT, _MAX_HEAD)
        head = h11.Request(
            method=request.method, target=target_of(url), headers=list_headers(request, url)
        )
        events = (head, h11.Data(data=request.body), h11.EndOfMessage())
        self.sent = b"".join(self._state.send(event) or b"" for event in events)

    async def read_head(self, received: bytes) -> h11.Response:
        """Return the head of the response; raise h11.ProtocolError if it is invalid."""
        self._state.receive_data(received)
        while not isinstance(event := await self._next_event(), h11.Response):
            if self._state.their_state is h11.SWITCHED_PROTOCOL:
                raise h11.RemoteProtocolError("the response is in another protocol")
        return event

    async def skip_body(self) -> bool:
        """Read and discard a body; return whether the connection can be reused."""
        left = _MAX_BODY_READ
        while left > 0:
            event = await self._next_event()
            if isinstance(event, h11.EndOfMessage):
                done = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
                return self._state.states == done and not self._state.trailing_data[0]
            left -= len(event.data)
        return False

    async def _next_event(self) -> Any:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            self._state.receive_data(await self._reader.read(_READ_BYTES))
        return event


@dataclass(slots=True)
class ConnectionPool:
    """Open connections by host and port; reuses the most recently used one first."""

    _kept: dict[str, list[_Connection]] = field(default_factory=dict)

    async def send(self, request: Request, deadline: float) -> Answer:
        """Send a request and wait at most `deadline` seconds for its response.

        A failure to connect, send or receive is also returned as an Answer. If the server has just
        closed a reused connection, the request is sent again on a new one.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._send(request)
        except TimeoutError:
            return Answer(0, f"no response within {deadline:g} s", timed_out=True)
        except (OSError, EOFError, h11.ProtocolError) as error:
            return Answer(0, _describe(error))

    def close(self) -> None:
        """Close all open connections."""
        for kept in self._kept.values():
            while kept:
                kept.pop().writer.close()

    async def _send(self, request: Request) -> Answer:
        url = urlsplit(request.url)
        connection = await self._take(url)
        try:
            plain = encode_plain(request, url)
            if plain is not None:
                connection.writer.write(plain)
            else:
                exchange = _Exchange(connection.reader, request, url)
                connection.writer.write(exchange.sent)
            received = await connection.reader.read(_READ_BYTES)
            if not received:
                raise EOFError("the connection was closed before a response")
            if plain is not None:
                if answer := read_plain(received):
                    self._keep(url, connection)
                    return answer
                exchange = _Exchange(connection.reader, request, url)
            head = await exchange.read_head(received)
        except (ConnectionError, EOFError):
            connection.writer.close()
            if connection.reused:
                return await self._send(request)
            raise
        except BaseException:
            connection.writer.close()
            raise
        return await self._receive(connection, exchange, url, head)

    async def _receive(
        self, connection: _Connection, exchange: _Exchange, url: SplitResult, head: h11.Response
    ) -> Answer:
        reusable = False
        try:
            reusable = await exchange.skip_body()
            after = dict(head.headers).get(b"retry-after")
            return Answer(head.status_code, retry_after=read_retry_after(after))
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
        return _Connection(*await asyncio.open_connection(url.hostname, url.port or 80))

    def _keep(self, url: SplitResult, connection: _Connection) -> None:
        kept = self._kept.setdefault(url.netloc, [])
        if len(kept) < _MAX_KEPT:
            kept.append(connection)
        else:
            connection.writer.close()


def _describe(error: Exception) -> str:
    """Return one line of ASCII, because the next attempt sends it in a header."""
    text = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode()
    return " ".join(text.split())
