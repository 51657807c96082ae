"""The rows of the table: each engine's script, what it needs, and how it is run."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.install.packages import (
    NotInstalled,
    install_python,
    install_redis,
    install_restate,
)

PROJECT = Path(__file__).resolve().parents[2]
IN_FLIGHT, CRASH_JOBS = 32, 200
#: Seconds that one script may take beside its loads.
_PATIENCE = 600


class Row(NamedTuple):
    """An engine: its script with arguments, and what it needs."""

    key: str
    script: str
    arguments: tuple[str, ...] = ()
    python: str = ""
    install: Callable[[Path], dict[str, str]] = lambda _: {}


ROWS = (
    Row("chained", "amends", ("chained",)),
    Row("inline", "amends", ("inline",)),
    Row("restate", "restate", python="restate", install=install_restate),
    Row("celery", "celery", python="celery", install=install_redis),
    Row("dbos", "dbos", python="dbos"),
    Row("floor", "floor"),
)


def measure(row: Row, peers: Path, seconds: float, runs: int) -> dict[str, Any]:
    """Install what a script needs into `peers`, run it, and return its results.

    Raises NotInstalled, or subprocess.TimeoutExpired.
    """
    python = install_python(row.python, peers) if row.python else Path(sys.executable)
    with tempfile.TemporaryDirectory(prefix="amends-peers-") as state:
        result = Path(state, "result.json")
        asked = {
            "PYTHONPATH": str(PROJECT),
            "PEER_STATE": state,
            "PEER_SECONDS": str(seconds),
            "PEER_RUNS": str(runs),
            "PEER_IN_FLIGHT": str(IN_FLIGHT),
            "PEER_CRASH_JOBS": str(CRASH_JOBS),
        }
        script = [str(python), "-m", f"benchmarks.peers.engines.{row.script}", str(result)]
        env = {**os.environ, **row.install(peers), **asked}
        _run([*script, *row.arguments], state, env, _PATIENCE + 10 * seconds * runs)
        measured: dict[str, Any] = json.loads(result.read_text())
        return measured


def _run(command: list[str], cwd: str, env: dict[str, str], seconds: float) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise NotInstalled(f"its script failed:\n{done.stderr[-2000:]}")
