"""A service on a free port that records its requests, and answers what the test says."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lib.saga.definition.context import StepContext
from lib.saga.remote.http_call import HttpCall

#: Writes an answer, byte for byte.
Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: tuple[str, int]


class Service:
    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.answer: Callable[[Write, Asked], object] = lambda write, _: write(answer(200, "{}"))
        #: Set when the test is over, to end slow answers.
        self.over = threading.Event()
        #: Set when the caller left before it had read a whole answer.
        self.left = threading.Event()

    def says(self, status: int, body: str = "", **headers: str) -> None:
        self.answer = lambda write, _: write(answer(status, body, **headers))


def answer(status: int, body: str = "", **headers: str) -> bytes:
    """Return an answer's bytes; `_` in a header's name stands for `-`."""
    encoded = body.encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(encoded)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + encoded


def outcome(service: Service, call: StepContext) -> Any:
    """Return the result of a call of the service: its output, or its exception."""
    try:
        return HttpCall(f"{service.url}/charge")({"amount": 1}, call)
    except Exception as problem:  # the outcome that the test looks at
        return problem


def kind_of(service: Service, call: StepContext) -> type[Any]:
    return type(outcome(service, call))


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Service]:
    service = Service()
    server = _Server(("127.0.0.1", 0), _handler_of(service))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    service.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        service.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore callers that disconnect, which tests do on purpose."""


def _handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = dict(self.headers.items())
            asked = Asked(self.command, self.path, headers, body, self.client_address)
            service.asked.append(asked)
            try:
                service.answer(self._write, asked)
            except OSError:
                self.close_connection = True
                service.left.set()

        def _write(self, piece: bytes) -> None:
            if not piece:
                self.close_connection = True
            self.wfile.write(piece)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
