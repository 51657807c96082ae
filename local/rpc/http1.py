"""HTTP/1.1 on an accepted connection, parsed by h11: each request answered whole, in order."""

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
#: Seconds that a client may leave a connection without a request, take to send a request's body,
#: or leave an answer unread.
_PATIENCE = 60.0

#: Seconds that the rest of a refused request is read for.
_REFUSAL_PATIENCE = 2.0

#: What a browser says of a request that a page of this server made, or its user by hand.
_OWN_SITES = ("same-origin", "none", "")

#: The names of this machine, each with any port. A client of HTTP/1.0 need not send one.
_OWN_HOST = re.compile(r"((127\.0\.0\.1|localhost|\[::1\])(:\d{0,5})?)?", re.ASCII | re.IGNORECASE)

#: The longest body that is read: what gRPC takes, and some more for JSON.
MAX_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request: its target as it was sent, its headers by their names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; the headers are beside its type and length."""

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


#: Answers a request; what it raises becomes a 500.
Respond = Callable[[HttpRequest], HttpResponse]


def render_text(status: HTTPStatus, text: str) -> HttpResponse:
    """Return an answer of plain text."""
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
        """The time.monotonic() since when no request is under way; None while one is."""
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
                reason = f"a request's body may take {_PATIENCE:g} seconds"
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, reason)
        except (OSError, EOFError) as error:
            _LOG.debug("an HTTP client went away: %s", error)
        finally:
            self.close()

    def dismiss(self) -> None:
        """End an idle connection; a client that wants more of it connects again."""
        self.close()

    def close(self) -> None:
        """End the connection at once."""
        self._forget(self)
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The peer was faster.
        finally:
            self._socket.close()

    def _serve_one(self) -> bool:
        """Answer one request; tell whether another may follow."""
        self._ends = time.monotonic() + _PATIENCE
        head = self._next_event()
        if not isinstance(head, h11.Request):
            return False
        self._ends = time.monotonic() + _PATIENCE
        body = None if _says_too_much(head) else self._read_body()
        self._idle_since = None
        if body is None:
            reason = f"a body has at most {MAX_BODY} bytes"
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
        """Return what the client has sent; TimeoutError when its time for it is over."""
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
            reason = "This server answers to 127.0.0.1, localhost and [::1] alone\n"
            return render_text(HTTPStatus.FORBIDDEN, reason)
        if _is_foreign(request):
            return render_text(HTTPStatus.FORBIDDEN, "Another site's page may not do this\n")
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
                _LOG.debug("an HTTP client did not wait for its refusal")

    def _drain(self) -> None:
        """Let the client send on for a while: it reads a refusal only after its request."""
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
    """Tell whether a request names a length that is not read, before any of it is sent."""
    return any(name == b"content-length" and int(value) > MAX_BODY for name, value in head.headers)


def _is_foreign(request: HttpRequest) -> bool:
    """Tell whether a browser sends a request for a page of another origin that changes things."""
    if request.method in ("GET", "HEAD"):
        return False
    site, origin = (request.headers.get(name, "") for name in ("sec-fetch-site", "origin"))
    host = request.headers.get("host", "")
    return site not in _OWN_SITES or origin not in ("", f"http://{host}")


def _read_request(head: h11.Request, body: bytes) -> HttpRequest:
    path, _, query = head.target.decode("latin-1").partition("?")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return HttpRequest(head.method.decode("latin-1"), path, query, headers, body)
