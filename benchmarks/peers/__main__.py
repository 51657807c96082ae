"""`make bench`: one job on Amends and on its peers, one after the other, and a table of them.

What cannot be installed or run here is named, and the others are measured. Numbers of one run
compare; those of two runs need not: a machine's speed drifts. A whole run replaces the table and
the picture in the documents; with `--only`, which measures some, they stay. `--seconds` is for each
load, `--peers` is the folder that peers are installed in.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers.install.packages import NotInstalled
from benchmarks.peers.report.chart import draw
from benchmarks.peers.report.publication import publish
from benchmarks.peers.report.table import make_table
from benchmarks.peers.rows import CRASH_JOBS, IN_FLIGHT, PROJECT, ROWS, measure

_IMAGE = PROJECT / "docs" / "peers.svg"
_DOCUMENTS = {PROJECT / "README.md": "docs/peers.svg", PROJECT / "docs/compare.md": "peers.svg"}


def main() -> int:
    """Measure, print, and write the table and the picture; 1 if an engine was not measured."""
    options = _parse_arguments()
    wanted = [row for row in ROWS if not options.only or row.key in options.only]
    machine = describe_machine()
    results: list[dict[str, Any]] = []
    for row in wanted:
        print(f"{row.key} ...", file=sys.stderr, flush=True)
        try:
            results.append(measure(row, options.peers, options.seconds, options.runs))
        except (NotInstalled, subprocess.SubprocessError) as problem:
            print(f"{row.key} is left out: {problem}", file=sys.stderr, flush=True)
    is_whole = not options.only and len(results) == len(ROWS)
    if results:
        _report(results, machine, options.out, is_whole=is_whole)
    return 0 if len(results) == len(wanted) else 1


def _report(results: list[dict[str, Any]], machine: str, out: Path, *, is_whole: bool) -> None:
    table = f"{machine}\n\n{make_table(results, IN_FLIGHT, CRASH_JOBS)}"
    picture = draw(results, IN_FLIGHT)
    print(table)
    out.mkdir(parents=True, exist_ok=True)
    (out / "peers.md").write_text(f"{table}\n")
    (out / "peers.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "peers.svg").write_text(picture)
    print(f"{out}/peers.md, peers.json and peers.svg are written")
    if is_whole:
        publish(table, picture, _IMAGE, _DOCUMENTS)
        print(f"so are {_IMAGE.relative_to(PROJECT)}, and the table in README.md and docs/")


def describe_machine() -> str:
    """Return the date, what the machine is, and its load average now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = datetime.now(UTC).date()
    return (
        f"{today}, {os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, "
        f"load average before the run {os.getloadavg()[0]:.1f}"
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=[row.key for row in ROWS])
    parser.add_argument("--peers", type=Path, default=PROJECT / ".peers")
    parser.add_argument("--out", type=Path, default=PROJECT / ".peers" / "results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
