"""Sends HTTP/1.1 requests over kept-alive connections, each within a deadline."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

_MAX_KEPT = 64
_MAX_BODY_READ = 1024 * 1024
_WITHOUT_BODY = (204, 304)
_FIRST_WORDS = re.compile(r"HTTP/1\.[01] [1-9][0-9][0-9]")
_LENGTH = re.compile(r"[0-9]{1,8}")
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}[ \t]*(;.*)?\r\n")


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


class BrokenAnswer(Exception):
    """What came back is not HTTP."""


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    reused: bool = False


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
        except (OSError, EOFError, BrokenAnswer, asyncio.LimitOverrunError) as error:
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
            connection.writer.write(_encode(request, url))
            head = await connection.reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, EOFError):
            connection.writer.close()
            if connection.reused:
                return await self._send(request)
            raise
        except BaseException:
            connection.writer.close()
            raise
        return await self._receive(connection, url, request.method, head)

    async def _receive(
        self, connection: _Connection, url: SplitResult, method: str, head: bytes
    ) -> Answer:
        reusable = False
        try:
            status, headers = _read_head(head)
            while status < 200:
                status, headers = _read_head(await connection.reader.readuntil(b"\r\n\r\n"))
            empty = method == "HEAD" or status in _WITHOUT_BODY
            whole = empty or await _skip_body(connection.reader, headers)
            reusable = whole and headers.get("connection", "").lower() != "close"
            return Answer(status, retry_after=_read_retry_after(headers.get("retry-after")))
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


def _encode(request: Request, url: SplitResult) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"{request.method} {target} HTTP/1.1",
        f"Host: {url.netloc.rpartition('@')[2]}",
        "Accept: */*",
    ]
    lines += [f"{key}: {value}" for key, value in request.headers.items()]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not _FIRST_WORDS.fullmatch(" ".join(parts[:2])):
        raise BrokenAnswer(f"not an HTTP/1.1 answer: {first[:80]!r}")
    pairs = (line.partition(":") for line in lines)
    headers = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if parts[0] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return int(parts[1]), headers


async def _skip_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bool:
    """Read a body and forget it; tell whether its end was seen, with the connection still open."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _skip_chunks(reader)
    length = headers.get("content-length", "")
    if not _LENGTH.fullmatch(length):
        await reader.read(_MAX_BODY_READ)
        return False
    if int(length) > _MAX_BODY_READ:
        return False
    await reader.readexactly(int(length))
    return True


async def _skip_chunks(reader: asyncio.StreamReader) -> bool:
    left = _MAX_BODY_READ
    while left > 0:
        line = await reader.readuntil(b"\r\n")
        if not _CHUNK.match(line):
            raise BrokenAnswer("a chunk of the answer has no size")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            await reader.readuntil(b"\r\n")
            return True
        await reader.readexactly(min(size, left) + 2)
        left -= size
    return False


def _describe(error: Exception) -> str:
    """Return one line of ASCII: it is sent as a header on the next attempt."""
    text = f"{type(error).__name__}: {error}".encode("ascii", "replace").decode()
    return " ".join(text.split())


def _read_retry_after(text: str | None) -> float:
    """Return a time to wait in seconds, none for what is no such header."""
    if text is None:
        return 0.0
    if _LENGTH.fullmatch(text):
        return float(text)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0
