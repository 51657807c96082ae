"""The server's plain HTTP pages on loopback: the overview, the certificates, a reset."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus

from local.rpc.errors import ServiceError
from local.rpc.grpc import RpcDispatcher
from local.rpc.http1 import HttpRequest, HttpResponse
from local.rpc.listener import Listener
from local.tasks.console.overview import Overview
from local.tasks.dispatch.signer import Signer

CERTS_PATH = "/oauth2/v1/certs"
_MAX_WAIT = timedelta(seconds=10)
_PUBLIC = "public, max-age=3600"
_FRESH = "no-store"

#: The paths are those of Cloud Tasks' REST interface.
_ACTION = re.compile(r"/v2/(?P<name>projects/[^:]+(:[^:]+)?):(?P<verb>[a-z]+)")


class ConsolePage:
    """Serves the web page and its buttons on a loopback port (0: any free one).

    `act` applies a verb to a queue or task. Raises PortTaken if the port is taken.
    """

    def __init__(
        self,
        port: int,
        signer: Signer,
        overview: Overview,
        reset: Callable[[], Awaitable[None]],
        act: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._signer = signer
        self._overview = overview
        self._reset = reset
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._listener = Listener("127.0.0.1", port)
        self.port = self._listener.port

    def start(self) -> None:
        """Start serving."""
        self._listener.start(RpcDispatcher({}, 0).handle, self._answer)

    def close(self) -> None:
        """Stop serving."""
        self._listener.stop()

    def _answer(self, request: HttpRequest) -> HttpResponse:
        answer = asyncio.run_coroutine_threadsafe(self._route(request), self._loop)
        return answer.result(_MAX_WAIT.total_seconds())

    async def _route(self, request: HttpRequest) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else request.method
        if (method, request.path) == ("GET", "/"):
            return _render(HTTPStatus.OK, self._overview.draw(time.time()), "text/html")
        if (method, request.path) == ("GET", CERTS_PATH):
            certificates = json.dumps(await self._signer.list_certificates())
            return _render(HTTPStatus.OK, certificates, "application/json", _PUBLIC)
        if method != "POST":
            return _render(HTTPStatus.NOT_FOUND, "Not found\n")
        return await self._do(request.path)

    async def _do(self, path: str) -> HttpResponse:
        """Run a button's action, and redirect the browser to the overview."""
        if path == "/reset":
            await self._reset()
            return _render(HTTPStatus.OK, "All tasks were deleted\n")
        pressed = _ACTION.fullmatch(path)
        if pressed is None:
            return _render(HTTPStatus.NOT_FOUND, "Not found\n")
        try:
            await self._act(pressed["verb"], pressed["name"])
        except ServiceError as refusal:
            return _render(HTTPStatus.CONFLICT, f"{refusal}\n")
        return _render(HTTPStatus.SEE_OTHER, "Done\n")


def _render(
    status: HTTPStatus, text: str, kind: str = "text/plain", cache: str = _FRESH
) -> HttpResponse:
    headers = {
        "Cache-Control": cache,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    }
    if status is HTTPStatus.SEE_OTHER:
        headers["Location"] = "/"
    return HttpResponse(status, text.encode(), f"{kind}; charset=utf-8", headers)
