"""`python -m local` from its user's point of view."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.host.ports import choose_port
from local.stack.supervisor import PROJECT
from tests.stack.conftest import is_alive, read_server
from tests.support.wait import wait_until

#: Starts a launcher for a folder and port; its output is one text pipe.
Launch = Callable[[str, int], "subprocess.Popen[str]"]


@pytest.fixture
def launch(tmp_path: Path, source: Path) -> Iterator[Launch]:
    launchers: list[subprocess.Popen[str]] = []

    def start(folder: str, port: int) -> "subprocess.Popen[str]":
        data = str(tmp_path / folder)
        options = ["--port", str(port), "--data", data, "--source", str(source)]
        launcher = subprocess.Popen(
            [sys.executable, "-m", "local", *options],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        launchers.append(launcher)
        return launcher

    yield start
    for launcher in launchers:
        launcher.terminate()
        launcher.communicate()


def read_until(launcher: "subprocess.Popen[str]", text: str) -> str:
    assert launcher.stdout is not None
    output = ""
    for line in launcher.stdout:
        output += line
        if text in line:
            return output
    raise AssertionError(f"{text!r} is not in {output!r}")


def children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in children for child in file.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_addresses_and_ends_on_request(
    launch: Launch, number: signal.Signals
) -> None:
    port = choose_port()
    launcher = launch("data", port)
    output = read_until(launcher, "get-order")
    assert f"ready at http://127.0.0.1:{port}" in output
    assert output.count("curl") >= 3
    children = children_of(launcher.pid)
    assert len(children) == 4
    began = time.monotonic()
    launcher.send_signal(number)
    assert launcher.wait(30) == 0
    assert time.monotonic() - began < 5
    assert not [pid for pid in children if is_alive(pid)]


def test_a_taken_port_is_one_clear_line(launch: Launch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        launcher = launch("data", port)
        _, complaint = launcher.communicate(timeout=30)
    assert complaint == f"Amends cannot start: port {port} is taken; choose another with PORT=\n"
    assert launcher.returncode == 1


def test_a_folder_in_use_is_one_clear_line(launch: Launch, tmp_path: Path) -> None:
    read_until(launch("data", choose_port()), "ready at")
    second = launch("data", choose_port())
    _, complaint = second.communicate(timeout=30)
    folder = tmp_path / "data"
    assert complaint == (
        f"Amends cannot start: {folder} is in use by another stack; choose another with DATA=\n"
    )
    assert second.returncode == 1


def test_a_killed_launcher_leaves_no_process_and_can_restart_at_once(
    launch: Launch,
) -> None:
    port = choose_port()
    first = launch("data", port)
    read_until(first, "ready at")
    pids = [*children_of(first.pid), read_server(f"http://127.0.0.1:{port}")["pid"]]
    first.kill()
    first.wait()
    read_until(launch("data", port), "ready at")
    wait_until(lambda: not [pid for pid in pids if is_alive(pid)])
