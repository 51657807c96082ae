"""The demo's caller, which retries as callers of a service that is killed must."""

import socket
import threading

import pytest

from demo.caller import Caller

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{",
        b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_truncated_answer_is_requested_again(broken: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in (broken, GOOD):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    server = threading.Thread(target=serve)
    server.start()
    caller = Caller(f"http://127.0.0.1:{listener.getsockname()[1]}", patience=10)
    assert caller.call("GET", "anything") == {}
    server.join()
    listener.close()
