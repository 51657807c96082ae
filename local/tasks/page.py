"""What the server answers over plain HTTP on loopback: its health, its certificate, a reset."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CERTS_PATH = "/oauth2/v1/certs"


class Page:
    """A small HTTP server; `port` is the one it got."""

    def __init__(
        self, port: int, certificates: Callable[[], dict[str, str]], reset: Callable[[], None]
    ) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _make_handler(certificates, reset))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _make_handler(
    certificates: Callable[[], dict[str, str]], reset: Callable[[], None]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(200, "text/plain", "Cloud Tasks is ready\n")
            elif self.path == CERTS_PATH:
                self._answer(200, "application/json", json.dumps(certificates()))
            else:
                self._answer(404, "text/plain", "Not found\n")

        def do_POST(self) -> None:
            if self.path == "/reset":
                reset()
                self._answer(200, "text/plain", "Reset\n")
            else:
                self._answer(404, "text/plain", "Not found\n")

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: a page that is asked for every second would fill the log."""

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "public, max-age=3600")
            self.end_headers()
            self.wfile.write(body)

    return Handler
