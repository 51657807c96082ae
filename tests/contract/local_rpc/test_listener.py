"""The port keeps accepting, whatever its clients do."""

import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.ports import answers, choose_port
from local.rpc.connection import StreamRequest
from local.rpc.frames import PREFACE, Type, build_settings, parse_header
from local.rpc.listener import Listener, serve_pages
from local.rpc.sender import Sender
from local.stack.supervisor import PROJECT
from tests.support.wait import wait_until


def connect(port: int, words: bytes = PREFACE + build_settings()) -> socket.socket:
    """Open a connection and send the preface of HTTP/2."""
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(words)
    return client


def read_types(client: socket.socket) -> list[int]:
    """Return the types of the frames that come until the server ends the connection."""
    data = b"".join(iter(lambda: client.recv(65536), b""))
    types = []
    while data:
        length, type_, _, _ = parse_header(data)
        types.append(type_)
        data = data[9 + length :]
    return types


def refuse(request: StreamRequest, sender: Sender) -> None:
    sender.send_refusal(request.stream, b"")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener("127.0.0.1", 0, most=4)
    made.start(refuse, serve_pages({("GET", "/"): lambda: "Ok"}))
    yield made
    made.stop()


def test_the_longest_idle_connection_is_closed_for_a_new_one(listener: Listener) -> None:
    clients = [connect(listener.port) for _ in range(4)]
    wait_until(lambda: len(listener._connections) == 4)
    latest = connect(listener.port)
    wait_until(lambda: len(listener._connections) == 4)
    ended = [client for client in clients if Type.GOAWAY in read_types_of_ended(client)]
    assert len(ended) == 1
    latest.close()


def read_types_of_ended(client: socket.socket) -> list[int]:
    client.settimeout(0.5)
    with contextlib.suppress(TimeoutError), client:
        return read_types(client)
    return []


def test_pages_are_served_despite_many_idle_connections(listener: Listener) -> None:
    clients = [connect(listener.port) for _ in range(12)]
    assert answers(listener.port, "/")
    wait_until(lambda: len(listener._connections) <= 4)
    for client in clients:
        client.close()


@pytest.fixture
def starved(tmp_path: Path) -> Iterator[int]:
    """A Datastore server that may open few files: the port that it listens on."""
    port = choose_port()
    arguments = ["--port", str(port), "--data", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "local.datastore", *arguments],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )
    wait_until(lambda: answers(port, "/"))
    yield port
    process.kill()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    process.wait()
    assert "cannot accept a connection: [Errno 24]" in said, said


@pytest.mark.slow
def test_a_server_out_of_file_descriptors_continues_to_accept(starved: int) -> None:
    clients = [connect(starved) for _ in range(80)]
    assert answers(starved, "/")
    for client in clients:
        client.close()
    assert answers(starved, "/")
