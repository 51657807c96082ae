"""Development: changes are reloaded, and requests are shown."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from local.host.ports import choose_port, prefer_port
from local.stack.terminal import describe_request
from tests.stack.launcher import Launcher
from tests.support.wait import wait_until

LINE: dict[str, Any] = {
    "message": "request", "function": "get-order", "status": 200, "duration_ms": 3.1,
    "time": "2026-11-25T08:32:40.784081+00:00",
}  # fmt: skip
STEP = {
    **LINE, "function": "run-saga-step", "saga": "order-1", "phase": "execute", "step": 1,
    "attempt": 2, "result": "done",
}  # fmt: skip


def greet(launcher: Launcher) -> str:
    url = f"http://127.0.0.1:{launcher.port}/get-greeting?name=ann"
    try:
        return requests.get(url, timeout=30).text
    except requests.ConnectionError:  # it is restarting
        return ""


def test_changed_code_and_indexes_are_reloaded_and_broken_ones_shown(
    project: Path, launchers: list[Launcher]
) -> None:
    launcher = Launcher(project)
    launchers.append(launcher)
    wait_until(lambda: "ready at" in launcher.output)

    functions = project / "functions/greetings.py"
    broken = functions.read_text()
    functions.write_text(broken.replace("{}[name]", "name"))
    wait_until(lambda: greet(launcher) == '{"greeting":"ann"}\n')
    change = "functions/greetings.py has changed: restarting the functions"
    wait_until(lambda: change in launcher.output)
    wait_until(lambda: "  200  get-greeting" in launcher.output)

    functions.write_text("def half(:\n")
    wait_until(lambda: "SyntaxError" in launcher.output)
    functions.write_text(broken.replace("{}[name]", "name.upper()"))
    wait_until(lambda: greet(launcher) == '{"greeting":"ANN"}\n')

    indexes = project / "index.yaml"
    good = indexes.read_text()
    indexes.write_text(good + "- broken\n")
    wait_until(lambda: "the Datastore keeps its indexes" in launcher.output)
    indexes.write_text(good + "- kind: Greeting\n  properties:\n  - name: a\n  - name: b\n")
    wait_until(lambda: "index.yaml has changed: restarting the Datastore" in launcher.output)


def test_a_shell_can_run_a_single_function_with_the_environment_file(
    project: Path, launchers: list[Launcher]
) -> None:
    launcher = Launcher(project)
    launchers.append(launcher)
    wait_until(lambda: "Try:" in launcher.output)
    [line] = [text for text in launcher.output.splitlines() if text.startswith("To run a single")]
    names = "$DATASTORE_EMULATOR_HOST $AMENDS_BASE_URL $AMENDS_WORKER_URL"
    command = f"{line.partition(': ')[2]} && echo {names}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    host, url, worker_url = done.stdout.split()
    assert f"DATASTORE_EMULATOR_HOST={host}" in launcher.output
    assert url == f"http://127.0.0.1:{launcher.port}"
    assert worker_url == f"http://127.0.0.1:{launcher.port + 3}"


def test_the_next_ports_are_those_of_datastore_and_queue(
    project: Path, launchers: list[Launcher]
) -> None:
    launcher = Launcher(project)
    launchers.append(launcher)
    wait_until(lambda: f"DATASTORE_EMULATOR_HOST=127.0.0.1:{launcher.port + 1}" in launcher.output)
    wait_until(lambda: f"http://127.0.0.1:{launcher.port + 2}/" in launcher.output)
    assert prefer_port(launcher.port + 1) != launcher.port + 1


def test_a_free_port_is_preferred() -> None:
    port = choose_port()
    assert prefer_port(port) == port


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (LINE, "200  get-order 3.1 ms"),
        (STEP, "200  run-saga-step order-1 execute 2, attempt 2: done 3.1 ms"),
        ({**LINE, "status": 503}, "503  get-order 3.1 ms"),
        ({"message": "request"}, "None None None ms"),
    ],
)
def test_a_request_is_one_readable_line(line: dict[str, Any], shown: str) -> None:
    text = describe_request(line)
    assert "\x1b" not in text
    assert text.split()[1:] == shown.split()


def test_colors_are_for_terminals() -> None:
    assert describe_request({**LINE, "status": 500}, in_color=True).startswith("\x1b[31m")
    assert describe_request({**LINE, "status": 404}, in_color=True).startswith("\x1b[33m")
    assert describe_request(LINE, in_color=True) == describe_request(LINE)
