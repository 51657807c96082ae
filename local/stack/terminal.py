"""Shows the functions' logs on the terminal: one line per request, and the reason of each 5xx.

The logs themselves contain JSON.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

_READ_EVERY = 0.3
_TRACE = "logging.googleapis.com/trace"

#: How many errors are remembered until the line of their request appears.
_MAX_REMEMBERED = 100

#: The columns of a request's line.
_FORM = "{time}  {status}  {function:<22} {about:<40} {duration:>9}"

_RED, _YELLOW, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


def describe_request(line: dict[str, Any], *, in_color: bool = False) -> str:
    """Return a log line of a request as a line for people: red from 500 on, yellow from 400.

    The time is in this machine's time zone.
    """
    status = line.get("status")
    text = _FORM.format(
        time=_show_time(line.get("time")),
        status=status,
        function=str(line.get("function")),
        about=_describe_delivery(line),
        duration=f"{line.get('duration_ms')} ms",
    ).rstrip()
    if not in_color or not isinstance(status, int):
        return text
    color = _RED if status >= 500 else _YELLOW if status >= 400 else ""
    if not color and line.get("function") == "run-saga-step":
        color = _DIM
    return f"{color}{text}{_PLAIN}" if color else text


def _describe_delivery(line: dict[str, Any]) -> str:
    """Return the saga, step and result of a request: `order-1 execute 2, attempt 1: done`."""
    if "saga" not in line:
        return ""
    words = [str(line["saga"])]
    if isinstance(line.get("step"), int):
        words.append(f"{line.get('phase')} {line['step'] + 1}, attempt {line.get('attempt')}:")
    return " ".join([*words, str(line.get("result", ""))]).rstrip()


def _show_time(time: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(time)).astimezone():%H:%M:%S}"
    except ValueError:
        return "--:--:--"


class LogView:
    """Follows logs from their current ends, in a daemon thread."""

    def __init__(
        self, logs: Iterable[Path], report: Callable[[str], None], *, in_color: bool = False
    ) -> None:
        self._logs = [_Log(path) for path in logs]
        self._report = report
        self._in_color = in_color
        self._reasons: dict[str, str] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start following the logs."""
        threading.Thread(target=self._follow, name="log view", daemon=True).start()

    def stop(self) -> None:
        """Stop following the logs."""
        self._stopping.set()

    def look(self) -> None:
        """Report the new requests in order of time, except sweeps that succeeded."""
        lines = [line for log in self._logs for line in log.read()]
        for line in sorted(lines, key=lambda line: str(line.get("time", ""))):
            self._show(line)

    def _show(self, line: dict[str, Any]) -> None:
        trace = str(line.get(_TRACE))
        if line.get("message") == "request":
            reason = self._reasons.pop(trace, "")
            if line.get("function") != "sweep-sagas" or line.get("status") != 200:
                self._report(describe_request(line, in_color=self._in_color))
            if isinstance(line.get("status"), int) and line["status"] >= 500:
                self._report(f"{line.get('function')} answered {line['status']}{reason}")
        elif line.get("message") == "a saga is finished":
            self._report(f"saga {line.get('saga')} ({line.get('name')}): {line.get('status')}")
        elif "error" in line and "stack" in line:
            self._remember(trace, f": {line['message']}: {line['error']}\n{line['stack']}")

    def _remember(self, trace: str, reason: str) -> None:
        if len(self._reasons) >= _MAX_REMEMBERED:
            self._reasons.pop(next(iter(self._reasons)))
        self._reasons[trace] = reason

    def _follow(self) -> None:
        while not self._stopping.wait(_READ_EVERY):
            self.look()


class _Log:
    """A log, and the position up to which it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = _size_of(path)

    def read(self) -> list[dict[str, Any]]:
        """Return the new lines of JSON; start from the beginning if the log was truncated."""
        if _size_of(self._path) < self._place:
            self._place = 0
        with contextlib.suppress(OSError):
            return list(self._read_on())
        return []

    def _read_on(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._place)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self._place += len(raw)
                with contextlib.suppress(ValueError):
                    line = json.loads(raw)
                    if isinstance(line, dict):
                        yield line


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
