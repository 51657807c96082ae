"""What the server answers over plain HTTP on loopback: its health, its certificate, a reset."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from local.tasks.signer import Signer

CERTS_PATH = "/oauth2/v1/certs"
_LONGEST_WAIT = 10.0

_log = logging.getLogger(__name__)


async def open_page(
    port: int, signer: Signer, reset: Callable[[], Awaitable[None]]
) -> asyncio.Server:
    """Serve the page on a port of loopback (0: any free one); OSError if it is taken."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
                writer.write(_encode(*await _route(method, path, signer, reset)))
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            _log.debug("a request to the page was broken off: %s", error)
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port, reuse_address=True)


async def _route(
    method: str, path: str, signer: Signer, reset: Callable[[], Awaitable[None]]
) -> tuple[HTTPStatus, str, str]:
    if (method, path) == ("GET", "/"):
        return HTTPStatus.OK, "text/plain", "Cloud Tasks is ready\n"
    if (method, path) == ("GET", CERTS_PATH):
        return HTTPStatus.OK, "application/json", json.dumps(await signer.list_certificates())
    if (method, path) == ("POST", "/reset"):
        await reset()
        return HTTPStatus.OK, "text/plain", "Every task is deleted\n"
    return HTTPStatus.NOT_FOUND, "text/plain", "Not found\n"


def _encode(status: HTTPStatus, kind: str, text: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: public, max-age=3600\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
