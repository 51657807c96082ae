"""Compares a lookup and a commit on the local Datastore and on Google's emulators.

All servers run at the same time, and Google's client calls them in turn after a warm-up, so that
other load affects all of them equally; the ratios are of paired rounds. The emulators keep data in
memory, ours in a file that survives kill -9. It also measures how soon ours is ready. Run
`python -m benchmarks.datastore_speed`; it skips emulators that are not installed.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from google.cloud import datastore as stock

from benchmarks.datastore_server import run_server, start_process
from tests.support.emulators import EMULATORS, are_installed, start_emulator

ROUNDS = 30
CALLS = 60
WARM_UP_CALLS = 8000
STARTS = 15
READY_WITHIN = 0.7

Calls = dict[tuple[str, str], Callable[[], object]]
Samples = dict[tuple[str, str], list[float]]


def main() -> int:
    """Print the tables; return 1 if an emulator is faster or the start takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = {"local": stack.enter_context(run_server(folder / "data")).host}
        for name in EMULATORS if are_installed() else ():
            emulator = start_emulator(name, folder)
            stack.callback(emulator.stop)
            emulator.wait_until_ready()
            hosts[name] = emulator.host
        slower = print_calls(measure_calls(hosts, options.rounds), list(hosts))
    return int(slower or not print_starts(measure_starts()))


def measure_calls(hosts: Mapping[str, str], rounds: int) -> Samples:
    """Return the microseconds per call in each round, by operation and server."""
    calls: Calls = {}
    for name, host in hosts.items():
        calls |= prepare_calls(name, host)
    for call in calls.values():
        time_calls(call, WARM_UP_CALLS)
    samples: Samples = {which: [] for which in calls}
    for number in range(rounds):
        turn = list(calls.items())
        for which, call in turn if number % 2 else reversed(turn):
            samples[which].append(time_calls(call, CALLS))
    return samples


def prepare_calls(name: str, host: str) -> Calls:
    """Return a lookup of one entity and a commit that changes it, on a new client."""
    os.environ["DATASTORE_EMULATOR_HOST"] = host
    client: Any = stock.Client(project="benchmark")  # type: ignore[no-untyped-call]
    key = client.key("TaskList", "a", "Task", 1)
    counter = itertools.count()

    def put() -> None:
        entity: Any = stock.Entity(  # type: ignore[no-untyped-call]
            key, exclude_from_indexes=("description", "notes")
        )
        entity.update(
            description="write the report",
            notes="x" * 200,
            done=False,
            priority=3,
            number=next(counter),
            tags=["work", "soon"],
        )
        client.put(entity)

    put()
    return {("lookup", name): lambda: client.get(key), ("commit", name): put}


def time_calls(call: Callable[[], object], count: int) -> float:
    """Return the average microseconds of a call."""
    started = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - started) / count * 1e6


def print_calls(samples: Samples, servers: list[str]) -> bool:
    """Print medians, and paired ratios of ours to each other; return whether a ratio is over 1."""
    print(f"{'':8}" + "".join(f"{name:>10}" for name in servers) + "   us per call, median")
    worst = 0.0
    for verb in ("lookup", "commit"):
        medians = "".join(f"{statistics.median(samples[verb, one]):10.0f}" for one in servers)
        print(f"{verb:8}{medians}")
        for other in servers[1:]:
            pairs = zip(samples[verb, "local"], samples[verb, other], strict=True)
            ratio = statistics.median(ours / theirs for ours, theirs in pairs)
            worst = max(worst, ratio)
            print(f"{'':8}local / {other}: {ratio:.2f}")
    return worst > 1


def measure_starts() -> list[float]:
    """Return the seconds from the start of the process until it says that it is ready."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(STARTS):
            started = time.perf_counter()
            with start_process(folder) as process:
                assert process.stdout is not None  # noqa: S101
                ready = process.stdout.readline()
                seconds.append(time.perf_counter() - started)
                process.terminate()
            if "ready" not in ready:
                sys.exit("the server did not start")
    return seconds


def print_starts(seconds: list[float]) -> bool:
    """Print how long a start takes; return whether its median is within the limit."""
    median = statistics.median(seconds)
    print(f"ready after {median:.2f} s (median of {STARTS}; {max(seconds):.2f} at most)")
    return median <= READY_WITHIN


if __name__ == "__main__":
    raise SystemExit(main())
