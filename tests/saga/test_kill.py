"""kill -9 at the worst moment: nothing is lost, everything ends, and the books balance."""

import os
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from demo.books import find_imbalances, read_books
from demo.caller import Caller, call_all
from demo.purchases import Purchase, make_supply, read_purchases
from lib.datastore import Store, connect
from lib.saga import Chaining
from lib.timing.deadline import BUDGET_HEADER
from local.stack import Stack
from tests.support.settled import wait_until_settled
from tests.support.wait import wait_until

#: The time limit after the last kill; the README promises a minute.
SETTLED_WITHIN = timedelta(minutes=1)

#: `LONG=1` has as many orders in flight as the largest test.
ORDERS = 200 if os.environ.get("LONG") else 60

#: A request with so little time leaves even the first step to the worker.
BY_THE_WORKER = {BUDGET_HEADER: "5"}


def set_up(caller: Caller, purchases: Iterable[Purchase]) -> None:
    supply = make_supply(purchases)
    for sku, units in supply.units.items():
        caller.call("PUT", "set-stock", json={"sku": sku, "units": units})
    for customer, cents in supply.credit.items():
        body = {"customer_id": customer, "available_cents": cents}
        caller.call("PUT", "set-credit", json=body)


def place(
    caller: Caller, purchases: Iterable[Purchase], headers: dict[str, str] | None = None
) -> None:
    call_all(
        lambda each: caller.call("POST", "place-order", json=each.to_order(), headers=headers),
        purchases,
    )


def check_books(stack: Stack, caller: Caller, purchases: list[Purchase]) -> None:
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    page = caller.call("GET", "list-sagas", params={"status": "COMPLETED", "page_size": 200})
    done = {saga["id"] for saga in page["items"]}
    assert done
    completed = [each for each in purchases if each.id in done]
    assert find_imbalances(read_books(store), make_supply(purchases), completed) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", ["functions", "worker", "tasks", "datastore"])
def test_after_any_process_is_killed_every_order_is_settled(tmp_path: Path, part: str) -> None:
    purchases = read_purchases(60)
    with Stack(data=tmp_path) as stack:
        caller = Caller(stack.url)
        set_up(caller, purchases)
        place(caller, purchases[:40])
        stack.kill(part)
        place(caller, purchases[40:])
        wait_until_settled(caller, len(purchases), SETTLED_WITHIN)
        check_books(stack, caller, purchases)


@pytest.mark.slow
@pytest.mark.parametrize("chaining", Chaining)
def test_the_worker_killed_with_orders_in_flight_settles_them_without_the_sweep(
    tmp_path: Path, chaining: Chaining
) -> None:
    """The sweep would find them after half a minute: a step has that long to run."""
    purchases = read_purchases(ORDERS)
    with Stack(data=tmp_path, env={"AMENDS_CHAINING": chaining}) as stack:
        caller = Caller(stack.url)
        set_up(caller, purchases)
        with ThreadPoolExecutor(1) as placer:
            placing = placer.submit(place, caller, purchases, BY_THE_WORKER)
            wait_until(
                lambda: caller.call("GET", "count-sagas")["COMPLETED"], lambda done: done > 10
            )
            stack.kill("worker")
            placing.result()
        wait_until_settled(caller, len(purchases), timedelta(seconds=20))
        check_books(stack, caller, purchases)


@pytest.mark.slow
def test_every_order_is_settled_after_all_processes_are_killed(tmp_path: Path) -> None:
    purchases = read_purchases(200)
    stack = Stack(data=tmp_path)
    with stack:
        caller = Caller(stack.url)
        set_up(caller, purchases)
        place(caller, purchases)
        for pid in stack.pids.values():
            os.kill(pid, signal.SIGKILL)
    with Stack(data=tmp_path, port=stack.plan.port) as again:
        caller = Caller(again.url)
        wait_until_settled(caller, len(purchases), SETTLED_WITHIN)
        check_books(again, caller, purchases)
