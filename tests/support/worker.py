"""A scripted worker, and a client of the server under test."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

LOCATION = "projects/amends-local/locations/local"
QUEUE = f"{LOCATION}/queues/sagas"


@dataclass(frozen=True)
class Delivery:
    """One request, as received by the worker."""

    at: float
    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def task(self) -> str:
        return str(self.headers["X-CloudTasks-TaskName"])

    @property
    def retry_count(self) -> int:
        return int(self.headers["X-CloudTasks-TaskRetryCount"])


#: Answers a delivery with a status and headers.
Script = Callable[[Delivery], tuple[int, dict[str, str]]]


@dataclass
class Worker:
    """Records deliveries, and answers by its script, by default 200."""

    script: Script = lambda _: (200, {})
    deliveries: list[Delivery] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _make_handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/run"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def record(self, delivery: Delivery) -> None:
        with self._arrived:
            self.deliveries.append(delivery)
            self._arrived.notify_all()

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Delivery]:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.deliveries) >= count, seconds)
        assert arrived, f"{len(self.deliveries)} of {count} deliveries after {seconds} s"
        return self.deliveries[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: a killed server breaks its connections."""


def _make_handler(worker: Worker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            delivery = Delivery(time.time(), self.command, self.path, self.headers, body)
            worker.record(delivery)
            status, headers = worker.script(delivery)
            self.send_response(status)
            for key, value in {"Content-Length": "0", **headers}.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


def connect(address: str) -> Any:
    """Return the stock client of a local server."""
    return CloudTasksClient(
        transport=CloudTasksGrpcTransport(channel=grpc.insecure_channel(address))
    )
