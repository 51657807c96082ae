"""Compares `Prefer: wait` with polling: how soon a caller learns that its order is done.

    python -m benchmarks.wait [ORDERS]

Places orders one after another on a temporary stack, with each method of learning their end.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import requests

from local.stack import Stack

ORDERS = 40
ADDRESS = {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"}

#: Places an order and learns its end; returns the number of requests.
Way = Callable[[requests.Session, str, dict[str, Any]], int]


def wait(session: requests.Session, url: str, order: dict[str, Any]) -> int:
    """Place an order and wait for its end in the same request."""
    answer = session.post(f"{url}/place-order", json=order, headers={"Prefer": "wait=30"})
    if answer.status_code != 200:
        raise RuntimeError(f"no end within 30 s: {answer.text}")
    return 1


def poll(every: float) -> Way:
    """Return a method that polls every `every` seconds."""

    def ask(session: requests.Session, url: str, order: dict[str, Any]) -> int:
        session.post(f"{url}/place-order", json=order).raise_for_status()
        asked = 1
        while True:
            time.sleep(every)
            asked += 1
            answer = session.get(f"{url}/get-order", params={"id": order["id"]})
            if answer.json()["status"] == "COMPLETED":
                return asked

    return ask


WAYS: dict[str, Way] = {
    "Prefer: wait=30": wait,
    "poll every 20 ms": poll(0.02),
    "poll every 100 ms": poll(0.1),
    "poll every second": poll(1.0),
}


def main(orders: int) -> None:
    """Print a row per method: median and slowest time, and requests per order."""
    with (
        tempfile.TemporaryDirectory() as data,
        Stack(data=Path(data), port=0) as stack,
        requests.Session() as session,
    ):
        session.put(f"{stack.url}/set-stock", json={"sku": "cd", "units": 10**6})
        session.put(
            f"{stack.url}/set-credit", json={"customer_id": "ann", "available_cents": 10**9}
        )
        for _ in range(10):  # warm up
            wait(session, stack.url, make_order())
        print(f"{'method':<20} {'p50 ms':>8} {'max ms':>8} {'requests':>9}")
        for name, way in WAYS.items():
            print_row(name, [measure(way, session, stack.url) for _ in range(orders)])


def make_order() -> dict[str, Any]:
    """Return an order of one unit, with a new id."""
    line = {"sku": "cd", "quantity": 1, "unit_price_cents": 1}
    return {"id": uuid4().hex, "customer_id": "ann", "lines": [line], "address": ADDRESS}


def measure(way: Way, session: requests.Session, url: str) -> tuple[float, int]:
    """Return the milliseconds until the caller knows the end, and the number of requests."""
    order = make_order()
    began = time.perf_counter()
    asked = way(session, url, order)
    return (time.perf_counter() - began) * 1000, asked


def print_row(name: str, measured: list[tuple[float, int]]) -> None:
    """Print the row of one method."""
    times = [took for took, _ in measured]
    asked = sum(count for _, count in measured) / len(measured)
    print(f"{name:<20} {median(times):8.1f} {max(times):8.1f} {asked:9.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS)
