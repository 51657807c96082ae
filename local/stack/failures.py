"""Says on the terminal when a function answers 500 or more: the log has it, and nobody reads it."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_LOOK_EVERY = 0.3
_TRACE = "logging.googleapis.com/trace"

#: So many traces are remembered whose error was logged and whose answer was not.
_MAX_REMEMBERED = 100


class FailureWatch:
    """Follows the functions' log from its present end, in a thread that ends with the process."""

    def __init__(self, log: Path, report: Callable[[str], None]) -> None:
        self._log = log
        self._report = report
        self._place = _size_of(log)
        self._reasons: dict[str, str] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to follow the log."""
        threading.Thread(target=self._follow, name="failures", daemon=True).start()

    def stop(self) -> None:
        """Follow it no longer."""
        self._stopping.set()

    def look(self) -> None:
        """Report what the log has had of failures since the last look."""
        for line in self._read():
            trace = str(line.get(_TRACE))
            if line.get("message") == "request":
                reason = self._reasons.pop(trace, "")
                if isinstance(line.get("status"), int) and line["status"] >= 500:
                    self._report(f"{line.get('function')} answered {line['status']}{reason}")
            elif "error" in line and "stack" in line:
                self._remember(trace, f": {line['message']}: {line['error']}\n{line['stack']}")

    def _remember(self, trace: str, reason: str) -> None:
        if len(self._reasons) >= _MAX_REMEMBERED:
            self._reasons.pop(next(iter(self._reasons)))
        self._reasons[trace] = reason

    def _follow(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY):
            with contextlib.suppress(OSError):
                self.look()

    def _read(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of JSON that have been written; a log that was cut is begun again."""
        if _size_of(self._log) < self._place:
            self._place = 0
        with self._log.open("rb") as file:
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
