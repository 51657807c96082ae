"""Clients are closed when their process is asked to end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import requests

from local.host.ports import answers, choose_port
from local.stack.supervisor import PROJECT
from tests.support.wait import wait_until

MAIN = """
from pathlib import Path
import flask
from functions import clients
from lib.datastore import Store

close = Store.close

def close_and_tell(store):
    close(store)
    Path({marker!r}).write_text("closed")

Store.close = close_and_tell

def ask(request: flask.Request) -> str:
    clients.store()
    return "made"
"""


def test_a_channel_is_closed_when_the_server_ends(tmp_path: Path) -> None:
    marker, port = tmp_path / "marker", choose_port()
    source = tmp_path / "main.py"
    source.write_text(MAIN.format(marker=str(marker)))
    process = subprocess.Popen(
        [
            sys.executable, "-m", "functions_framework", f"--source={source}",
            "--target=ask", "--host=127.0.0.1", f"--port={port}",
        ],
        cwd=PROJECT,
        env={**os.environ, "DATASTORE_EMULATOR_HOST": "127.0.0.1:1", "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    wait_until(lambda: answers(port, "/robots.txt"))
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).text == "made"
    assert not marker.exists()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert marker.read_text() == "closed"
