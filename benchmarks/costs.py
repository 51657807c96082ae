"""`make costs`: what a saga costs by list price, here and elsewhere, how far the free tier goes.

The operations are counted while the engine runs a saga on the local Datastore: at the wire, and in
the saga's own record. The prices are those of lib/saga/operators/prices.json, and what else runs a
saga, or another product, those of benchmarks/data/prices.json.
"""

import argparse
import contextlib
import io
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.meter import meter
from lib.saga import Chaining
from lib.saga.operators.price import bill_of, price_of, read_prices
from lib.saga.state.cost import Cost
from main import FUNCTIONS

OTHER_PRICES = Path(__file__).parent / "data" / "prices.json"

#: Cloud Run rounds an instance's busy time up to this, so it is the minimum for a request that is
#: alone on its instance.
MIN_BILLED_MS = 100

DAYS = 30

COORDINATION = ("datastore_write", "datastore_read", "datastore_delete", "tasks_operation")
LOGS = ("log_byte",)
COMPUTE = ("run_request", "run_vcpu_second", "run_gib_second")


def main() -> None:
    """Print the price of a saga and of 1,000 steps, here and elsewhere, and free sagas per day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--ms", type=int, default=MIN_BILLED_MS, help="billed for a request")
    parser.add_argument("--chaining", choices=list(Chaining), default=Chaining.TASKS)
    options = parser.parse_args()
    prices = all_prices()
    with contextlib.redirect_stdout(io.StringIO()):  # the engine's own log lines
        counted = meter(options.steps, Chaining(options.chaining))
    saga = add_compute(counted.saga, options.ms)
    sweeps = add_compute(counted.sweep, options.ms)
    how = "in the caller's request" if options.chaining == Chaining.INLINE else "each in a task"
    print(f"A saga of {options.steps} empty steps, {how}.")
    print(textwrap.fill(f"Prices of {prices['read_on']}. {prices['note']}", width=100) + "\n")
    print_bill(saga, prices, options.steps, options.ms)
    print_own_count(counted.cost, prices)
    print_others(options.steps, prices)
    print_free_tier(saga, sweeps, prices)


def all_prices() -> dict[str, Any]:
    """Return all prices by name, with their note."""
    others: dict[str, Any] = json.loads(OTHER_PRICES.read_text())
    return {**read_prices(), **others}


def add_compute(billed: Mapping[str, int], ms: int) -> dict[str, float]:
    """Return what is billed, with the processor and the memory of its requests."""
    seconds = billed["run_request"] * ms / 1000
    memory = FUNCTIONS["run_saga_step"].memory
    gib = int(memory.rstrip("MGi")) / (1024 if memory.endswith("Mi") else 1)
    return {**billed, "run_vcpu_second": seconds, "run_gib_second": seconds * gib}


def sagas_a_day(
    saga: Mapping[str, float], sweeps_a_day: Mapping[str, float], prices: Mapping[str, Any]
) -> dict[str, float]:
    """Return for how many sagas per day each free tier is enough, with a sweep every minute.

    Operations without a free tier have no entry.
    """
    enough = {}
    for name, count in saga.items():
        days = 1 if prices[name]["free_per"] == "day" else DAYS
        free = prices[name]["free"] / days - sweeps_a_day.get(name, 0)
        if count and prices[name]["free"]:
            enough[name] = max(0.0, free) / count
    return enough


def print_bill(saga: Mapping[str, float], prices: Mapping[str, Any], steps: int, ms: int) -> None:
    """Print each item of a saga's bill."""
    print(f"  {'':22}{'a saga':>8}{'price':>22}{'a million sagas':>18}")
    for name in (*COORDINATION, *COMPUTE, *LOGS):
        price = prices[name]
        each = f"${price['usd']:g} / {price['per']:,}"
        count = saga.get(name, 0)
        million = price_of({name: count * 1e6}, prices)
        print(f"  {name:22}{count:>8g}{each:>22}{million:>18,.2f}")
    run = (*COORDINATION, *COMPUTE)
    parts = {"coordination": COORDINATION, "and Cloud Run": run, "and its logs": (*run, *LOGS)}
    for label, names in parts.items():
        cost = price_of({name: saga.get(name, 0) for name in names}, prices)
        print(f"  {label:22}${cost:.7f} per saga, ${cost / steps * 1000:.4f} per 1,000 steps")
    print(f"  Cloud Run: {ms} ms per request, alone on an instance of 1 vCPU; less if shared.\n")


def print_own_count(cost: Cost, prices: Mapping[str, Any]) -> None:
    """Print what the same saga has counted in its own record, which get-saga shows as `cost`."""
    usd = price_of(bill_of(cost), prices)
    print(f"  Its own record counts {cost.commits} commits of {cost.writes} entities, ", end="")
    print(f"{cost.lookups} lookups of {cost.reads}, {cost.tasks} tasks: ${usd:.7f}")
    print("  (without the later deletes, Cloud Run and logs).\n")


def print_others(steps: int, prices: Mapping[str, Any]) -> None:
    """Print the same saga elsewhere, at the fewest operations that it can be done with."""
    others = {
        "AWS Step Functions": ("step_functions_transition", steps, "one transition per step"),
        "Google Workflows": ("workflows_internal_step", steps, "one internal step per step"),
        "Temporal Cloud": ("temporal_action", steps + 1, "the start, and one activity per step"),
    }
    print("  The same elsewhere, without running the steps (compare with coordination):")
    for label, (name, count, why) in others.items():
        cost = price_of({name: count}, prices)
        thousand = cost / steps * 1000
        print(f"  {label:22}${cost:.7f} per saga, ${thousand:.4f} per 1,000 steps ({why})")
    print()


def print_free_tier(
    saga: Mapping[str, float], sweep: Mapping[str, float], prices: Mapping[str, Any]
) -> None:
    """Print how many sagas per day are free, and which free tier runs out first."""
    sweeps = {name: count * 24 * 60 for name, count in sweep.items()}
    enough = sagas_a_day(saga, sweeps, prices)
    first = min(enough, key=enough.__getitem__)
    print(f"  Free tier, with a sweep every minute: {enough[first]:,.0f} sagas per day")
    print(f"  ({first} runs out first; ", end="")
    print(", ".join(f"{name}: {count:,.0f}" for name, count in enough.items()) + ")")


if __name__ == "__main__":
    main()
