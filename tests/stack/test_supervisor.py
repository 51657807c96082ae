"""The supervisor of a process also limits its log."""

import os
import shutil
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from local.stack import supervisor
from local.stack.supervisor import Part, Supervisor
from tests.support.wait import wait_until


def test_a_log_is_rotated_while_its_process_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_CHECK_EVERY", 0.02)
    monkeypatch.setattr(supervisor, "MAX_LOG_BYTES", 5_000)
    log = tmp_path / "x.log"
    part = Part(
        "x", "tests.stack.endless", (), dict(os.environ), log, lambda: log.stat().st_size > 0
    )
    running = Supervisor(part, lambda _: None, {})
    running.start()
    assert running.wait_until_ready(timedelta(seconds=20))
    aside = tmp_path / "x.log.1"
    wait_until(lambda: aside.exists() and aside.stat().st_size > 0)  # it is created empty
    first = aside.read_text()
    wait_until(lambda: aside.read_text() != first)
    pid = running.pid
    running.stop(time.monotonic() + 5)
    assert pid is not None, "the part was not started again for it"
    assert log.stat().st_size < 100_000
    assert first.startswith("line 0")


def test_a_log_that_cannot_be_renamed_is_truncated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fail)
    monkeypatch.setattr(supervisor, "MAX_LOG_BYTES", 10)
    log = tmp_path / "x.log"
    log.write_text("x" * 11)
    supervisor._rotate_log(log)
    assert log.read_text() == ""


def test_a_part_that_is_restarted_while_it_starts_is_not_reported_as_dead(tmp_path: Path) -> None:
    reports: list[str] = []
    part = Part("x", "tests.stack.endless", (), dict(os.environ), tmp_path / "x.log", lambda: False)
    starting = Supervisor(part, reports.append, {})
    starting.start()
    wait_until(lambda: starting.pid is not None)
    first = starting.pid
    starting.restart()
    wait_until(lambda: starting.pid not in (None, first))
    starting.stop(time.monotonic() + 5)
    assert reports == []


def test_a_part_is_not_ready_because_another_program_answers_on_its_port(tmp_path: Path) -> None:
    reports: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        part = Part(
            "x", "tests.stack.endless", (), dict(os.environ), tmp_path / "x.log", lambda: True, port
        )
        blocked = Supervisor(part, reports.append, {})
        blocked.start()
        assert not blocked.wait_until_ready(timedelta(seconds=0.3))
    assert blocked.read_log() == f"  | x cannot start: port {port} is taken"
    assert blocked.wait_until_ready(timedelta(seconds=20))
    blocked.stop(time.monotonic() + 5)
    assert reports == [f"x cannot start: port {port} is taken; next attempt in 0.5 s"]
