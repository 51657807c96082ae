"""Compares reads among a million entities with reads among a thousand.

Two servers, each with its own folder, hold 1,000 entities and a million. They take turns to answer
random lookups, and random pages of 50 by a composite index, from Google's client; the ratios are of
paired rounds. It also measures the load and the server's memory (from /proc).
Run `python -m benchmarks.datastore_scale`; `--entities` loads fewer.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import datastore as stock
from google.cloud.datastore.query import PropertyFilter

from benchmarks.datastore_server import DatastoreServer, run_server
from demo.progress import show_progress

FEW, MANY = 1_000, 1_000_000
LISTS = 10
BATCH = 500
LOADERS = 2
PAGE = 50
ROUNDS = 40
CALLS = {"lookup": 50, "page": 10}
MAX_RATIO = 1.5
MAX_SECONDS = 600
MAX_MIB = 300
INDEX = """indexes:
- kind: Task
  properties:
  - name: list
  - name: priority
    direction: desc
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers, with its client and its number of entities."""

    server: DatastoreServer
    client: Any
    size: int


def main() -> int:
    """Print the measurements; return 1 if one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=MANY)
    options = parser.parse_args()
    with ExitStack() as stack:
        few, many = (start_side(stack, size) for size in (FEW, options.entities))
        seconds = max(load(few), load(many))
        print(f"{many.size:,} entities loaded in {seconds:.0f} s ({many.size / seconds:,.0f}/s)")
        ratios = compare(few, many)
        memory = read_peak_mib(many.server)
        print(f"the server's memory at its peak: {memory:.0f} MiB")
    held = max(ratios) <= MAX_RATIO and seconds <= MAX_SECONDS and memory <= MAX_MIB
    return int(not held)


def start_side(stack: ExitStack, size: int) -> Side:
    """Start an empty server for `size` entities."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "index.yaml").write_text(INDEX)
    indexes = ("--index-file", str(folder / "index.yaml"))
    server = stack.enter_context(run_server(folder / "data", *indexes))
    os.environ["DATASTORE_EMULATOR_HOST"] = server.host
    return Side(server, stock.Client(project="benchmark"), size)  # type: ignore[no-untyped-call]


def load(side: Side) -> float:
    """Put all entities of a side in batches from two threads; return how many seconds it took."""
    started = time.perf_counter()
    with ThreadPoolExecutor(LOADERS) as pool:
        for done in pool.map(lambda numbers: put(side, numbers), split(side.size)):
            show_progress(done, side.size, "entities")
    return time.perf_counter() - started


def split(size: int) -> Iterator[range]:
    """Yield the numbers below a size in batches."""
    for start in range(0, size, BATCH):
        yield range(start, min(start + BATCH, size))


def put(side: Side, numbers: range) -> int:
    """Put a batch of entities; return the number of entities so far."""
    entities = []
    for number in numbers:
        key = side.client.key("Task", identify(number))
        entity: Any = stock.Entity(  # type: ignore[no-untyped-call]
            key, exclude_from_indexes=("text",)
        )
        entity.update(list=number % LISTS, priority=number // LISTS, text=f"task {number}")
        entities.append(entity)
    side.client.put_multi(entities)
    return numbers.stop


def identify(number: int) -> int:
    """Return the id for a number, scattered like the ids that Datastore allocates."""
    return random.Random(number).randrange(10**15, 2**53)


def compare(few: Side, many: Side) -> list[float]:
    """Time both sides in turn; print and return how much longer the larger one takes."""
    ratios = []
    for name, call in (("lookup", look_up), ("page", read_page)):
        pairs = []
        for number in range(ROUNDS + 1):
            sides = (few, many) if number % 2 else (many, few)
            took = {side.size: time_calls(call, side, CALLS[name], number) for side in sides}
            pairs.append((took[few.size], took[many.size]))
        del pairs[0]
        medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
        ratios.append(statistics.median(larger / smaller for smaller, larger in pairs))
        print(
            f"{name:7} among {few.size:,}: {medians[0]:.0f} us, "
            f"among {many.size:,}: {medians[1]:.0f} us, ratio {ratios[-1]:.2f}"
        )
    return ratios


def time_calls(
    call: Callable[[Side, random.Random], object], side: Side, count: int, seed: int
) -> float:
    """Return the average microseconds of a call."""
    choice = random.Random(seed)
    started = time.perf_counter()
    for _ in range(count):
        call(side, choice)
    return (time.perf_counter() - started) / count * 1e6


def look_up(side: Side, choice: random.Random) -> object:
    """Get a random entity."""
    found = side.client.get(side.client.key("Task", identify(choice.randrange(side.size))))
    assert found is not None  # noqa: S101
    return found


def read_page(side: Side, choice: random.Random) -> object:
    """Get 50 entities of one list, below a random priority."""
    highest = side.size // LISTS
    below = choice.randrange(PAGE, highest + 1)
    where = [
        PropertyFilter("list", "=", choice.randrange(LISTS)),  # type: ignore[no-untyped-call]
        PropertyFilter("priority", "<", below),  # type: ignore[no-untyped-call]
    ]
    query = side.client.query(kind="Task", filters=where)
    query.order = ["-priority"]
    page = list(query.fetch(limit=PAGE))
    assert [one["priority"] for one in page] == list(range(below - 1, below - 1 - PAGE, -1))  # noqa: S101
    return page


def read_peak_mib(server: DatastoreServer) -> float:
    """Return a server's peak resident memory in MiB."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmHWM")


if __name__ == "__main__":
    raise SystemExit(main())
