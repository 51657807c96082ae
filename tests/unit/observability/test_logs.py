"""Logging never fails a request."""

import io
import json
import sys
from typing import Any

import pytest

from lib.observability.logs import log


class FullDisk(io.StringIO):
    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method

    def write(self, text: str) -> int:
        if self._method == "write":
            raise OSError(28, "No space left on device")
        return len(text)

    def flush(self) -> None:
        if self._method == "flush":
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("method", ["write", "flush"])
def test_a_line_that_cannot_be_written_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk(method))
    assert log("ERROR", "x") is False


def test_a_closed_standard_output_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert log("ERROR", "x") is False


@pytest.mark.parametrize("value", ["a\udc80b", {1: {2: "\ud800"}}, {(1, 2): 3}])
def test_values_without_json_form_are_logged_as_text(
    capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    assert log("ERROR", "found", alert="a-b", what=value) is True
    line = json.loads(capsys.readouterr().out)
    assert (line["severity"], line["message"], line["alert"]) == ("ERROR", "found", "a-b")
    assert line["what"]
