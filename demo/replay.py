"""Places purchases as orders on a running stack, waits until they settle, and checks the books."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from demo.books import find_imbalances, read_books
from demo.caller import Caller, call_all
from demo.progress import show_progress
from demo.purchases import Purchase, Supply, make_supply, read_purchases
from lib.datastore import Store, connect
from local.stack import Stack

FINAL = ("COMPLETED", "ROLLED_BACK", "FAILED")
SECONDS_BETWEEN_KILLS = 4.0


def run(stack: Stack, count: int, *, chaos: bool) -> int:
    """Replay `count` purchases on a new stack; return 0 if all settle and the books balance."""
    caller = Caller(stack.url)
    purchases = read_purchases(count)
    supply = make_supply(purchases)
    print(f"{len(supply.units)} products, {len(supply.credit)} customers, {count} orders")
    _set_up(caller, supply)
    with ThreadPoolExecutor(1) as placer, _killing(stack, chaos) as kills:
        started = time.monotonic()
        placing = placer.submit(_place, caller, purchases)
        settled = _wait(caller, count, placing)
        took = time.monotonic() - started
    sagas = list(_read_sagas(caller))
    _print_table(sagas, took, kills)
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    completed = {saga["id"] for saga in sagas if saga["status"] == "COMPLETED"}
    wrong = find_imbalances(
        read_books(store), supply, [each for each in purchases if each.id in completed]
    )
    return _print_verdict(wrong, settled)


def _set_up(caller: Caller, supply: Supply) -> None:
    """Set the stock and the credit."""
    stocks = [("set-stock", {"sku": sku, "units": n}) for sku, n in supply.units.items()]
    credits = [
        ("set-credit", {"customer_id": customer, "available_cents": cents})
        for customer, cents in supply.credit.items()
    ]
    done = itertools.count(1)

    def put(item: tuple[str, dict[str, Any]]) -> None:
        caller.call("PUT", item[0], json=item[1])
        show_progress(next(done), len(stocks) + len(credits), "stock and credit set")

    call_all(put, [*stocks, *credits])


def _place(caller: Caller, purchases: list[Purchase]) -> None:
    call_all(
        lambda each: caller.call("POST", "place-order", json=each.to_order()),
        purchases,
        threads=4,
    )


def _wait(caller: Caller, count: int, placing: Future[None], patience: float = 120.0) -> bool:
    """Wait until all sagas are final; give up if none ends for `patience` seconds.

    If placing an order failed, raises that error.
    """
    last, moved_at = -1, time.monotonic()
    while True:
        if placing.done():
            placing.result()
        counts = caller.call("GET", "count-sagas")
        done = sum(counts[status] for status in FINAL)
        show_progress(done, count, "orders settled")
        if done >= count:
            return True
        if done != last:
            last, moved_at = done, time.monotonic()
        elif time.monotonic() - moved_at > patience:
            print(f"\nno order has settled for {patience:g} s: {counts}")
            return False
        time.sleep(0.25)


@contextmanager
def _killing(stack: Stack, chaos: bool) -> Iterator[list[str]]:
    """Kill the worker and the callers' functions in turn while the block runs."""
    kills: list[str] = []
    victims = itertools.cycle(("worker", "functions"))
    over = threading.Event()

    def kill() -> None:
        while not over.wait(SECONDS_BETWEEN_KILLS):
            kills.append(next(victims))
            stack.kill(kills[-1])

    killer = threading.Thread(target=kill)
    if chaos:
        killer.start()
    try:
        yield kills
    finally:
        over.set()
        if chaos:
            killer.join()


def _read_sagas(caller: Caller) -> Iterator[dict[str, Any]]:
    token = None
    while True:
        params = {"page_size": 200} | ({"page_token": token} if token else {})
        page = caller.call("GET", "list-sagas", params=params)
        yield from page["items"]
        token = page["next_page_token"]
        if token is None:
            return


def _print_table(sagas: list[dict[str, Any]], took: float, kills: list[str]) -> None:
    statuses = Counter(saga["status"] for saga in sagas)
    seconds = sorted(_seconds(saga) for saga in sagas)
    rows = {
        "completed": statuses["COMPLETED"],
        "rolled back": statuses["ROLLED_BACK"],
        "failed": statuses["FAILED"],
        "unfinished": sum(n for status, n in statuses.items() if status not in FINAL),
        "sagas per second": f"{len(sagas) / took:.1f}",
        "p50 start to end": f"{_percentile(seconds, 50):.2f} s",
        "p99 start to end": f"{_percentile(seconds, 99):.2f} s",
    }
    rows |= {f"{part} killed": f"{count} times" for part, count in Counter(kills).items()}
    for name, value in rows.items():
        print(f"  {name:<18} {value}")


def _print_verdict(wrong: list[str], settled: bool) -> int:
    for line in wrong[:20]:
        print(f"  {line}")
    if wrong:
        print(f"the books do NOT balance: {len(wrong)} lines differ")
    else:
        print("the books balance: every unit and every cent is accounted for")
    if not settled:
        print("but some orders have not settled")
    return 1 if wrong or not settled else 0


def _seconds(saga: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(saga[name]) for name in ("created_at", "updated_at"))
    return (ended - begun).total_seconds()


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
