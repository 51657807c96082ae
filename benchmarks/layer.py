"""Compares the CPU time of a get and a put through the data layer and through Google's client.

Both call the same Datastore server in turn: the data layer with a model of eight properties, the
client with a plain Entity of the same properties. The CPU time is that of this process; the server
runs in another. Run `python -m benchmarks.layer`, with `--host` to use a running server.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.cloud import datastore as stock

from lib.datastore import Id, Indexed, Parent, Store, Version, connect, entity, key

ROUNDS = 15
CALLS = 200
PROJECT = "benchmark"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNINDEXED = ("description", "notes", "weight", "blob")


@entity
@dataclass(slots=True, kw_only=True)
class Task:
    """A kind like those of the sample."""

    id: Id[int]
    task_list_id: Parent[str]
    description: str
    notes: str
    weight: float
    blob: bytes
    done: Indexed[bool]
    priority: Indexed[int]
    created_at: Indexed[datetime]
    tags: Indexed[list[str]]
    version: Version = 0


VALUES = {
    "description": "write the report",
    "notes": "x" * 200,
    "weight": 1.5,
    "blob": b"y" * 50,
    "done": False,
    "priority": 3,
    "created_at": NOW,
    "tags": ["work", "soon"],
}


def main() -> int:
    """Print the table; return 1 if the layer costs more than Google's client."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", help="host:port of a running server")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with contextlib.nullcontext(options.host) if options.host else serve() as host:
        return report(host, options.rounds)


@contextlib.contextmanager
def serve() -> Iterator[str]:
    """Run the local Datastore in its own process and folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local.datastore", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
            try:
                assert server.stdout is not None  # noqa: S101
                yield server.stdout.readline().split()[-1]
            finally:
                server.terminate()


def report(host: str, rounds: int) -> int:
    """Measure all four in turn, and print the medians of the rounds."""
    store = Store(connect(PROJECT, emulator_host=host))
    os.environ["DATASTORE_EMULATOR_HOST"] = host
    client: Any = stock.Client(project=PROJECT)  # type: ignore[no-untyped-call]
    work = {
        ("get", "layer"): get_through_layer(store),
        ("get", "stock"): get_through_client(client),
        ("put", "layer"): put_through_layer(store),
        ("put", "stock"): put_through_client(client),
    }
    samples: dict[tuple[str, str], list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, call in work.items():
            cost = measure(call)
            if turn:
                samples[name].append(cost)
    store.close()
    return print_table(samples)


def print_table(samples: dict[tuple[str, str], list[float]]) -> int:
    """Print CPU microseconds per call and the paired ratios; return 1 if a ratio is over 1."""
    print(f"{'':5}{'layer':>9}{'stock':>9}{'ratio':>8}   CPU us per call, median of rounds")
    worst = 0.0
    for verb in ("get", "put"):
        layer, stock = samples[verb, "layer"], samples[verb, "stock"]
        ratio = statistics.median(ours / theirs for ours, theirs in zip(layer, stock, strict=True))
        worst = max(worst, ratio)
        print(f"{verb:5}{statistics.median(layer):9.0f}{statistics.median(stock):9.0f}{ratio:8.2f}")
    return int(worst > 1)


def measure(call: Callable[[], object]) -> float:
    """Return the CPU microseconds per call, of all threads of this process."""
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS * 1e6


def get_through_layer(store: Store) -> Callable[[], object]:
    """Return a get of a model."""
    store.upsert(Task(id=1, task_list_id="a", **VALUES))  # type: ignore[arg-type]
    return lambda: store.get(key(Task, "a", 1))


def put_through_layer(store: Store) -> Callable[[], object]:
    """Return a put of a model."""
    return lambda: store.upsert(Task(id=1, task_list_id="a", **VALUES))  # type: ignore[arg-type]


def get_through_client(client: Any) -> Callable[[], object]:
    """Return the client's get of a plain entity."""
    return lambda: client.get(client.key("TaskList", "a", "Task", 1))


def put_through_client(client: Any) -> Callable[[], object]:
    """Return the client's put of a plain entity."""

    def put() -> None:
        made: Any = stock.Entity(  # type: ignore[no-untyped-call]
            client.key("TaskList", "a", "Task", 1), exclude_from_indexes=UNINDEXED
        )
        made.update(VALUES)
        client.put(made)

    return put


if __name__ == "__main__":
    raise SystemExit(main())
