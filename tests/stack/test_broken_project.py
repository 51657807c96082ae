"""What a developer sees after breaking something: the place, and no "ready"."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from local.stack.terminal import LogView
from tests.stack.launcher import Launcher
from tests.support.wait import wait_until


def test_a_broken_module_is_shown_and_nothing_is_ready_until_it_is_fixed(
    project: Path, launchers: list[Launcher]
) -> None:
    sagas, tasks = project / "domain/sagas.py", project / "functions/tasks/tasks.py"
    good = {path: path.read_text() for path in (sagas, tasks)}
    sagas.write_text(good[sagas].replace("([", "([BOOK_TRIP, "))
    tasks.write_text(good[tasks] + "def broken(:\n")
    launcher = Launcher(project)
    launchers.append(launcher)
    wait_until(lambda: "as before" in launcher.output)
    assert "NameError: name 'BOOK_TRIP' is not defined" in launcher.output
    lines = good[sagas].splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("DEFINITIONS"))
    assert f'File "{sagas}", line {number}, in <module>' in launcher.output
    place = f'File "{tasks}", line {len(good[tasks].splitlines()) + 1}'
    assert launcher.output.count(place) == 1
    assert launcher.output.count("NameError: name 'BOOK_TRIP' is not defined\n") == 1
    assert "ready at" not in launcher.output
    for path, text in good.items():
        path.write_text(text)
    wait_until(lambda: "ready at" in launcher.output)

    answer = requests.get(f"http://127.0.0.1:{launcher.port}/get-greeting?name=ann", timeout=30)
    assert answer.status_code == 500
    wait_until(lambda: "answered 500" in launcher.output)
    wait_until(lambda: 'in get_greeting\n    return {"greeting": {}[name]}' in launcher.output)
    assert "get-greeting answered 500: unexpected error: KeyError" in launcher.output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "DEFINITIONS = Definitions(",
            "DEFINITIONS = list(",
            "write DEFINITIONS = Definitions([...])",
        ),
        ("DEFINITIONS =", "raise SystemExit(3)\nDEFINITIONS =", "SystemExit: 3"),
    ],
)
def test_a_broken_table_of_sagas_is_reported_at_the_start(
    project: Path, old: str, new: str, expected: str
) -> None:
    sagas = project / "domain/sagas.py"
    sagas.write_text(sagas.read_text().replace(old, new))
    loading = "from functions.load_check import load_all; load_all({})"
    done = subprocess.run(
        [sys.executable, "-c", loading], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert expected in done.stderr
    if "raise" in new:
        assert f'File "{sagas}", line' in done.stderr


def write(log: Path, *lines: object) -> None:
    with log.open("a") as file:
        file.writelines(
            f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines
        )


def answered(status: int, trace: str) -> dict[str, object]:
    return {
        "message": "request", "function": "f", "status": status,
        "logging.googleapis.com/trace": trace,
    }  # fmt: skip


def failed(trace: str) -> dict[str, object]:
    return {
        "message": "unexpected error", "error": "KeyError", "stack": "at x",
        "logging.googleapis.com/trace": trace,
    }  # fmt: skip


def failures(printed: list[str]) -> list[str]:
    return [text for text in printed if text.startswith("f answered")]


def test_each_server_error_is_reported_once_with_its_reason(tmp_path: Path) -> None:
    log, printed = tmp_path / "functions.log", list[str]()
    write(log, answered(500, "old"))
    watch = LogView([log], printed.append)
    write(log, failed("a"), failed("b"), "not JSON", "[1]", answered(500, "b"), answered(200, "c"))
    watch.look()
    assert failures(printed) == ["f answered 500: unexpected error: KeyError\nat x"]
    write(log, answered(503, "d"), answered(404, "e"), answered(500, "a"))
    watch.look()
    watch.look()
    assert failures(printed)[1:] == [
        "f answered 503",
        "f answered 500: unexpected error: KeyError\nat x",
    ]
    assert len(printed) == 5 + 3  # and one line per request


def test_lines_of_two_logs_are_shown_in_order_of_time(tmp_path: Path) -> None:
    logs, printed = [tmp_path / "functions.log", tmp_path / "worker.log"], list[str]()
    watch = LogView(logs, printed.append)
    for minute, function in enumerate(["start-saga", "run-saga-step", "get-saga"]):
        line = {"message": "request", "function": function, "time": f"2026-11-25T08:0{minute}:00Z"}
        write(logs[minute % 2], line)
    watch.look()
    assert [text.split()[2] for text in printed] == ["start-saga", "run-saga-step", "get-saga"]


def test_a_truncated_log_and_an_incomplete_line_lose_nothing(tmp_path: Path) -> None:
    log, printed = tmp_path / "functions.log", list[str]()
    write(log, *(answered(200, "x") for _ in range(9)))
    watch = LogView([log], printed.append)
    log.write_text("")
    write(log, answered(500, "a"))
    whole = json.dumps(answered(502, "b"))
    with log.open("a") as file:
        file.write(whole[:20])
    watch.look()
    assert failures(printed) == ["f answered 500"]
    with log.open("a") as file:
        file.write(whole[20:] + "\n")
    watch.look()
    assert failures(printed)[1:] == ["f answered 502"]
