"""A failed attempt is logged with its type and its place, and without text that may be private."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from lib import config
from lib.saga.definition.context import Permanent, Retry
from tests.saga.bench import QUICK, Bench, Probe, start


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if "attempt" in line["message"]]


#: A value from a payload, which is in no line of code.
PRIVATE = "".join(["An", "n Miller"])


def confuse(_: Any) -> None:
    raise ValueError(PRIVATE)


@pytest.fixture
def log_texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AMENDS_LOG_TEXTS", "1")
    config.config.cache_clear()
    yield
    config.config.cache_clear()


def test_a_bug_in_a_step_leaves_a_warning_an_attempt_and_an_error_at_the_last(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.on["a"] = confuse
    start(bench)
    bench.run_to_end()
    lines = lines_of(capsys)
    assert [line["severity"] for line in lines] == ["WARNING"] * (QUICK.attempts - 1) + ["ERROR"]
    for number, line in enumerate(lines, 1):
        assert (line["saga"], line["step"], line["phase"]) == ("s", "a", "execute")
        assert (line["attempt"], line["error"]) == (number, "ValueError")
        assert "test_attempt_log.py" in line["stack"]
        assert "in confuse" in line["stack"]
        assert PRIVATE not in json.dumps(line)


def test_a_compensation_out_of_attempts_is_an_error(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe.on |= {"b": refuse, "undo a": refuse}
    start(bench)
    bench.run_to_end()
    assert [(line["severity"], line["step"]) for line in lines_of(capsys)] == [
        ("WARNING", "b"), ("ERROR", "a"),
    ]  # fmt: skip


def test_a_lost_dispatch_is_logged(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    start(bench)
    bench.deliver(lost=1)
    [line] = lines_of(capsys)
    assert (line["severity"], line["result"], line["error"]) == ("WARNING", "unknown", "")


def test_a_successful_attempt_is_not_logged(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    start(bench)
    bench.run_to_end()
    assert lines_of(capsys) == []


def test_on_a_developers_machine_the_text_is_logged(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str], log_texts: None
) -> None:
    def busy(_: Any) -> None:
        raise Retry("the shop is shut")

    probe.on["a"] = busy
    start(bench)
    bench.deliver()
    assert lines_of(capsys)[0]["text"] == "the shop is shut"


def test_a_group_shows_the_place_of_each_member(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    def both(call: Any) -> None:
        problems: list[Exception] = []
        for action in (confuse, int):
            try:
                action("no number")
            except (ValueError, TypeError) as problem:
                problems.append(problem)
        raise ExceptionGroup("side by side", problems)

    probe.on["a"] = both
    start(bench)
    bench.deliver()
    [line] = lines_of(capsys)
    assert line["error"] == "ExceptionGroup"
    assert line["stack"].count("in it\n") == 2
    assert "in confuse" in line["stack"]


def test_an_exception_that_would_have_ended_the_worker_is_logged_with_its_place(
    bench: Bench, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.on["a"] = lambda _: sys.exit(3)
    start(bench)
    bench.deliver()
    [line] = lines_of(capsys)
    assert line["error"] == "SystemExit"
    assert "test_attempt_log.py" in line["stack"]
