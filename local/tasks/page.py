"""What the server answers over plain HTTP on loopback: an overview, its certificate, a reset."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from local.tasks.overview import Overview
from local.tasks.refusals import Refused
from local.tasks.signer import Signer

CERTS_PATH = "/oauth2/v1/certs"
_LONGEST_WAIT = 10.0
#: What a browser says of a request that a page of this server made, or its user by hand.
_OWN_SITES = ("same-origin", "none", "")
_PUBLIC = "public, max-age=3600"
_FRESH = "no-store"

#: The paths are those of Cloud Tasks' REST interface.
_ACTION = re.compile(r"/v2/(?P<name>projects/[^:]+(:[^:]+)?):(?P<verb>[a-z]+)")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Response:
    status: HTTPStatus
    text: str
    kind: str = "text/plain"
    cache: str = _FRESH


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to see and to press; `act` does one of the verbs to a queue or task."""

    signer: Signer
    overview: Overview
    reset: Callable[[], Awaitable[None]]
    act: Callable[[str, str], Awaitable[None]]

    async def open(self, port: int) -> asyncio.Server:
        """Serve the page on a port of loopback (0: any free one); OSError if it is taken."""
        return await asyncio.start_server(self._answer, "127.0.0.1", port, reuse_address=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_encode(await self._route(*_read_head(head))))
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            _log.debug("a request to the page was broken off: %s", error)
        finally:
            writer.close()

    async def _route(self, method: str, path: str, site: str) -> _Response:
        if (method, path) == ("GET", "/"):
            return _Response(HTTPStatus.OK, self.overview.draw(time.time()), "text/html")
        if (method, path) == ("GET", CERTS_PATH):
            certificates = json.dumps(await self.signer.list_certificates())
            return _Response(HTTPStatus.OK, certificates, "application/json", _PUBLIC)
        if method != "POST":
            return _Response(HTTPStatus.NOT_FOUND, "Not found\n")
        if site not in _OWN_SITES:
            return _Response(HTTPStatus.FORBIDDEN, "Another site's page may not do this\n")
        return await self._do(path)

    async def _do(self, path: str) -> _Response:
        """Do what a button asks for, and send the browser back to the overview."""
        if path == "/reset":
            await self.reset()
            return _Response(HTTPStatus.OK, "Every task is deleted\n")
        pressed = _ACTION.fullmatch(path)
        if pressed is None:
            return _Response(HTTPStatus.NOT_FOUND, "Not found\n")
        try:
            await self.act(pressed["verb"], pressed["name"])
        except Refused as refusal:
            return _Response(HTTPStatus.CONFLICT, f"{refusal}\n")
        return _Response(HTTPStatus.SEE_OTHER, "Done\n")


def _read_head(head: bytes) -> tuple[str, str, str]:
    """Return the method, the path, and what the browser says of where the request comes from."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    parts = (line.partition(":") for line in lines)
    headers = {key.strip().lower(): value.strip() for key, _, value in parts}
    return method, path, headers.get("sec-fetch-site", "")


def _encode(response: _Response) -> bytes:
    body = response.text.encode()
    location = "Location: /\r\n" if response.status == HTTPStatus.SEE_OTHER else ""
    head = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        f"Content-Type: {response.kind}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: {response.cache}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; connect-src 'self'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\r\n"
        f"{location}Connection: close\r\n\r\n"
    )
    return head.encode() + body
