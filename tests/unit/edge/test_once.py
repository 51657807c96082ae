"""Clients are made once, also under many threads, and closed when the process ends in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from lib.config import config
from lib.edge.once import once
from local.host.ports import answers, choose_port
from local.stack.supervisor import PROJECT

MAIN = """
from pathlib import Path
import flask
from functions import wiring
from lib.datastore import Store

close = Store.close

def close_and_tell(store):
    close(store)
    Path({told!r}).write_text("closed")

Store.close = close_and_tell

def ask(request: flask.Request) -> str:
    wiring.store()
    return "made"
"""


def test_many_threads_that_are_the_first_to_ask_get_one() -> None:
    made: list[object] = []

    @once
    def make() -> object:
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_channel_is_closed_when_the_server_is_asked_to_end(tmp_path: Path) -> None:
    told, port = tmp_path / "told", choose_port()
    source = tmp_path / "main.py"
    source.write_text(MAIN.format(told=str(told)))
    process = subprocess.Popen(
        [
            sys.executable, "-m", "functions_framework", f"--source={source}",
            "--target=ask", "--host=127.0.0.1", f"--port={port}",
        ],
        cwd=PROJECT,
        env={**os.environ, "DATASTORE_EMULATOR_HOST": "127.0.0.1:1", "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    ends = time.monotonic() + 30
    while not answers(port, "/robots.txt") and time.monotonic() < ends:
        time.sleep(0.05)
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=30).text == "made"
    assert not told.exists()
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert told.read_text() == "closed"


@pytest.mark.parametrize(
    ("google", "guide", "project"),
    [(None, None, "amends-local"), ("a", "b", "a"), (None, "b", "b"), ("", "b", "b")],
)
def test_gcp_project_id_names_the_project_where_googles_variable_does_not(
    monkeypatch: pytest.MonkeyPatch, google: str | None, guide: str | None, project: str
) -> None:
    for name, value in (("GOOGLE_CLOUD_PROJECT", google), ("GCP_PROJECT_ID", guide)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    config.cache_clear()
    try:
        assert config().project == project
    finally:
        config.cache_clear()
