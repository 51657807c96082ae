"""No engine at all: a Python loop that commits to SQLite once a step, six times a job."""

import json
import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.load.job import make_order, new_id, notify, pay, reserve, ship
from benchmarks.peers.load.loads import Load, run_in_sequence
from benchmarks.peers.load.processes import count_fsyncs
from benchmarks.peers.load.settings import SECONDS

_STEPS = (reserve, pay, ship, notify)
_TRACED = 40


class Floor:
    """A table with a row for each commit; `synchronous=FULL`, in a write-ahead log."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=FULL")
        self._file.execute("CREATE TABLE commits (id TEXT, step TEXT, output TEXT)")

    def run(self) -> None:
        """Run the job: a commit at its start, after each step, and at its end."""
        order = make_order(new_id())
        self._commit(order, "start", order)
        for step in _STEPS:
            self._commit(order, step.__name__, step(order))
        self._commit(order, "end", {})

    def _commit(self, order: dict[str, Any], step: str, output: dict[str, Any]) -> None:
        row = (order["id"], step, json.dumps(output))
        self._file.execute("INSERT INTO commits VALUES (?, ?, ?)", row)


def main() -> None:
    """Write the results to the file that the command line names."""
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Path(folder, "floor.sqlite"))
        load = run_in_sequence(floor.run, SECONDS)
        fsyncs = count_fsyncs(
            [os.getpid()],
            lambda: run_in_sequence(floor.run, 10.0, _TRACED).jobs,
            Path(folder, "strace.txt"),
        )
    Path(sys.argv[1]).write_text(json.dumps(_result(load, fsyncs)) + "\n")


def _result(load: Load, fsyncs: float | None) -> dict[str, Any]:
    return {"name": "SQLite, no engine", "sequence_a": load._asdict(), "fsyncs": fsyncs}


if __name__ == "__main__":
    main()
