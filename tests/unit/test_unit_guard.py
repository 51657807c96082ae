"""A unit test that uses a socket or starts a process fails with advice."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.support.unit_guard import NotAUnitTest, UnitGuard


def start_process() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def listen() -> None:
    ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)


def connect() -> None:
    socket.create_connection(("127.0.0.1", 1))


def fetch() -> None:
    requests.get("http://127.0.0.1:1/", timeout=1)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (start_process, r"starts a process \(subprocess.Popen\).*tests/stack"),
        (lambda: os.system("true"), "starts a process"),
        (os.fork, "starts a process"),
        (listen, "listens on a socket.*tests/contract"),
        (connect, "(connects a socket|looks up a host)"),
        (fetch, "(connects a socket|looks up a host)"),
    ],
)
def test_a_unit_test_that_uses_a_socket_or_a_process_is_refused(
    unit_guard: UnitGuard, act: Callable[[], object], words: str
) -> None:
    with pytest.raises(NotAUnitTest, match=f"test_a_unit_test_that_uses.*{words}"):
        act()
    unit_guard.refused.clear()


def test_a_unit_test_fails_even_if_its_code_catches_the_refusal(unit_guard: UnitGuard) -> None:
    with contextlib.suppress(Exception):
        listen()
    with pytest.raises(NotAUnitTest, match="listens on a socket"):
        unit_guard.check()


def test_a_unit_test_fails_if_its_thread_is_refused(unit_guard: UnitGuard) -> None:
    def listen_quietly() -> None:
        with contextlib.suppress(Exception):
            listen()

    thread = threading.Thread(target=listen_quietly)
    thread.start()
    thread.join()
    with pytest.raises(NotAUnitTest, match="listens on a socket"):
        unit_guard.check()
