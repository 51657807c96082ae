"""`make bench`: one job on Amends and on its peers, one after the other, and a table of them.

What cannot be installed or run here is named, and the others are measured. Numbers of one run
compare; those of two runs need not: a machine's speed drifts. `--seconds` is for each load,
`--only` measures some, `--peers` is the folder that peers are installed in.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.chart import draw
from benchmarks.peers.install import (
    NotInstalled,
    install_python,
    install_redis,
    install_restate,
)
from benchmarks.peers.table import make_table

PROJECT = Path(__file__).resolve().parents[2]
_IN_FLIGHT, _CRASH_JOBS = 32, 200
#: Seconds that one script may take beside its loads.
_PATIENCE = 600


class Entry(NamedTuple):
    """A row: its script with arguments, and what it needs."""

    key: str
    script: str
    arguments: tuple[str, ...] = ()
    python: str = ""
    install: Callable[[Path], dict[str, str]] = lambda _: {}


ENTRIES = (
    Entry("chained", "amends_peer", ("chained",)),
    Entry("restate", "restate_peer", python="restate", install=install_restate),
    Entry("celery", "celery_peer", python="celery", install=install_redis),
    Entry("dbos", "dbos_peer", python="dbos"),
    Entry("floor", "floor"),
)


def main() -> int:
    """Measure, print, and write the table and the picture; 1 if nothing could be measured."""
    options = _parse_arguments()
    results = []
    for entry in ENTRIES:
        if options.only and entry.key not in options.only:
            continue
        print(f"{entry.key} ...", file=sys.stderr, flush=True)
        try:
            results.append(measure(entry, options))
        except (NotInstalled, subprocess.SubprocessError) as problem:
            print(f"{entry.key} is left out: {problem}", file=sys.stderr, flush=True)
    if not results:
        return 1
    table = f"{describe_machine()}\n\n{make_table(results, _IN_FLIGHT, _CRASH_JOBS)}\n"
    print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "peers.md").write_text(table)
    (options.out / "peers.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.out / "peers.svg").write_text(draw(results, _IN_FLIGHT))
    print(f"{options.out}/peers.md, peers.json and peers.svg are written")
    return 0


def measure(entry: Entry, options: argparse.Namespace) -> dict[str, Any]:
    """Install what a script needs, run it, and return its results."""
    python = install_python(entry.python, options.peers) if entry.python else sys.executable
    with tempfile.TemporaryDirectory(prefix="amends-peers-") as state:
        result = Path(state, "result.json")
        env = {
            **os.environ,
            **entry.install(options.peers),
            "PYTHONPATH": str(PROJECT),
            "PEER_STATE": state,
            "PEER_SECONDS": str(options.seconds),
            "PEER_RUNS": str(options.runs),
            "PEER_IN_FLIGHT": str(_IN_FLIGHT),
            "PEER_CRASH_JOBS": str(_CRASH_JOBS),
        }
        command = [str(python), "-m", f"benchmarks.peers.{entry.script}", str(result)]
        done = subprocess.run(
            [*command, *entry.arguments],
            cwd=state,
            env=env,
            capture_output=True,
            text=True,
            timeout=_PATIENCE + 10 * options.seconds * options.runs,
            check=False,
        )
        if not result.exists():
            raise NotInstalled(f"its script failed:\n{done.stderr[-2000:]}")
        measured: dict[str, Any] = json.loads(result.read_text())
        return measured


def describe_machine() -> str:
    """Return the date, and what the machine is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = datetime.now(UTC).date()
    return (
        f"{today}, {os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}"
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=[entry.key for entry in ENTRIES])
    parser.add_argument("--peers", type=Path, default=PROJECT / ".peers")
    parser.add_argument("--out", type=Path, default=PROJECT / ".peers" / "results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
