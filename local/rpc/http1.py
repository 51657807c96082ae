"""HTTP/1.1 on an accepted connection, parsed by h11; it answers requests in order."""

import logging
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import h11

_LOG = logging.getLogger(__name__)
_READ_BYTES = 64 * 1024
_MAX_HEAD = 64 * 1024
#: Seconds that a client may take to send a request or its body, or to read a response.
_PATIENCE = 60.0

#: Seconds to keep reading a refused request.
_REFUSAL_PATIENCE = 2.0

#: Sec-Fetch-Site for requests by a page of this server or by the user.
_OWN_SITES = ("same-origin", "none", "")

#: This machine's names, each with any port. Clients of HTTP/1.0 may omit the header.
_OWN_HOST = re.compile(r"((127\.0\.0\.1|localhost|\[::1\])(:\d{0,5})?)?", re.ASCII | re.IGNORECASE)

#: The maximum size of a body in bytes: more than gRPC's limit, because JSON is longer.
MAX_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request: path and query as they were sent, headers by lower-case name."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response; `headers` are in addition to Content-Type and Content-Length."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


#: Answers a request; an exception becomes a 503.
Respond = Callable[[HttpRequest], HttpResponse]


def render_text(status: HTTPStatus, text: str) -> HttpResponse:
    """Return a response in plain text."""
    return HttpResponse(status, text.encode())


class Http1Connection:
    """One connection, in the thread that calls `serve`."""

    def __init__(
        self,
        connection: socket.socket,
        respond: Respond,
        received: bytes,
        forget: Callable[["Http1Connection"], None],
    ) -> None:
        self._socket = connection
        self._respond = respond
        self._forget = forget
        self._state = h11.Connection(h11.SERVER, _MAX_HEAD)
        self._state.receive_data(received)
        self._idle_since: float | None = time.monotonic()
        self._ends = self._idle_since + _PATIENCE

    @property
    def idle_since(self) -> float | None:
        """The time.monotonic() when the last request ended; None while one is in progress."""
        return self._idle_since

    def serve(self) -> None:
        """Answer requests until the client or the server ends the connection."""
        try:
            while self._serve_one():
                self._state.start_next_cycle()
                self._idle_since = time.monotonic()
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint), str(error))
        except TimeoutError:
            if self._state.our_state is h11.SEND_RESPONSE:
                reason = f"the request's body did not arrive within {_PATIENCE:g} seconds"
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, reason)
        except (OSError, EOFError) as error:
            _LOG.debug("an HTTP client closed its connection: %s", error)
        finally:
            self.close()

    def dismiss(self) -> None:
        """Close the idle connection; its client can connect again."""
        self.close()

    def close(self) -> None:
        """Close the connection immediately."""
        self._forget(self)
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The peer was faster.
        finally:
            self._socket.close()

    def _serve_one(self) -> bool:
        """Answer one request; return whether another may follow."""
        self._ends = time.monotonic() + _PATIENCE
        head = self._next_event()
        if not isinstance(head, h11.Request):
            return False
        self._ends = time.monotonic() + _PATIENCE
        body = None if _says_too_much(head) else self._read_body()
        self._idle_since = None
        if body is None:
            reason = f"the body has more than {MAX_BODY} bytes"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
            return False
        self._send(self._answer(_read_request(head, body)), is_head=head.method == b"HEAD")
        return self._state.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}

    def _next_event(self) -> Any:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            if self._state.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            self._state.receive_data(self._receive())
        return event

    def _receive(self) -> bytes:
        """Return the next bytes of the client; TimeoutError if its time is over."""
        remaining = self._ends - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(remaining)
        return self._socket.recv(_READ_BYTES)

    def _read_body(self) -> bytes | None:
        body = bytearray()
        while isinstance(event := self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY:
                return None
        return bytes(body)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if not _OWN_HOST.fullmatch(request.headers.get("host", "")):
            reason = "This server only accepts the hosts 127.0.0.1, localhost and [::1]\n"
            return render_text(HTTPStatus.FORBIDDEN, reason)
        if _is_foreign(request):
            return render_text(HTTPStatus.FORBIDDEN, "Cross-site requests are not allowed\n")
        try:
            return self._respond(request)
        except Exception as error:
            _LOG.exception("%s %s failed", request.method, request.path)
            return render_text(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        if self._state.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            try:
                self._send(render_text(status, f"{reason}\n"), closes=True)
                self._drain()
            except OSError:
                _LOG.debug("an HTTP client closed its connection before the response")

    def _drain(self) -> None:
        """Keep reading for a while: a client reads the response only after it sent its request."""
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(_REFUSAL_PATIENCE)
        ends = time.monotonic() + _REFUSAL_PATIENCE
        while self._socket.recv(_READ_BYTES) and time.monotonic() < ends:
            continue

    def _send(self, response: HttpResponse, *, is_head: bool = False, closes: bool = False) -> None:
        headers = [
            ("Content-Type", response.kind),
            ("Content-Length", str(len(response.body))),
            *response.headers.items(),
            *([("Connection", "close")] if closes else []),
        ]
        status = response.status
        head = h11.Response(status_code=status.value, reason=status.phrase, headers=headers)
        self._write(head, *([] if is_head else [h11.Data(data=response.body)]), h11.EndOfMessage())

    def _write(self, *events: h11.Event) -> None:
        self._socket.settimeout(_PATIENCE)
        self._socket.sendall(b"".join(self._state.send(event) or b"" for event in events))


def _says_too_much(head: h11.Request) -> bool:
    """Tell whether a request's Content-Length exceeds the limit, before its body is sent."""
    return any(name == b"content-length" and int(value) > MAX_BODY for name, value in head.headers)


def _is_foreign(request: HttpRequest) -> bool:
    """Tell whether a page of another origin sent a request that changes something."""
    if request.method in ("GET", "HEAD"):
        return False
    site, origin = (request.headers.get(name, "") for name in ("sec-fetch-site", "origin"))
    host = request.headers.get("host", "")
    return site not in _OWN_SITES or origin not in ("", f"http://{host}")


def _read_request(head: h11.Request, body: bytes) -> HttpRequest:
    path, _, query = head.target.decode("latin-1").partition("?")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return HttpRequest(head.method.decode("latin-1"), path, query, headers, body)
