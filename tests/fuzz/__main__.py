"""``python -m tests.fuzz``: fuzz both local servers for a while, and print the seeds."""

import argparse
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.datastore import DatastoreRequests
from tests.fuzz.raw import RawBytes
from tests.fuzz.rounds import Target, run_round
from tests.fuzz.tasks import TasksRequests

_CASES = 500
TARGETS: dict[str, Callable[[Path], Target]] = {
    "raw": RawBytes,
    "datastore": DatastoreRequests,
    "tasks": TasksRequests,
}


def main() -> int:
    """Run the chosen targets in order; a failure ends the run with a report."""
    options = _parse_arguments()
    logging.basicConfig(handlers=[logging.NullHandler()])
    for name in options.targets:
        seed = options.seed if options.seed is not None else secrets.randbelow(10**9)
        print(f"{name}: seed {seed}, {options.seconds:g} s", flush=True)
        rounds = _run(TARGETS[name], seed, options.seconds)
        print(f"{name}: {rounds * _CASES} cases in {rounds} rounds, no failure", flush=True)
    return 0


def _run(make: Callable[[Path], Target], seed: int, seconds: float) -> int:
    """Fuzz in rounds with rising seeds until the time is over; return the number of rounds."""
    with tempfile.TemporaryDirectory() as folder:
        target = make(Path(folder))
        ends, rounds = time.monotonic() + seconds, 0
        while time.monotonic() < ends:
            run_round(target, seed + rounds, _CASES)
            rounds += 1
        target.close()
    return rounds


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="|".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, help="of the first round; drawn anew if not given")
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
