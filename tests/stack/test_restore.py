"""A database is restored to an earlier time, while the queue has continued: docs/deploy.md."""

import os
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from google.cloud import tasks_v2

from demo.books import find_imbalances, read_books
from demo.caller import Caller
from demo.purchases import Purchase, make_supply, read_purchases
from lib.datastore import Store
from lib.datastore import connect as connect_datastore
from local.host.ports import choose_port
from local.stack import Stack
from tests.support.wait import wait_until
from tests.support.worker import QUEUE, connect

FINAL = ("COMPLETED", "ROLLED_BACK", "FAILED")


def place(caller: Caller, purchases: list[Purchase]) -> None:
    for each in purchases:
        caller.call("POST", "place-order", json=each.to_order())


def ended(caller: Caller) -> int:
    counts = caller.call("GET", "count-sagas")
    return sum(counts[status] for status in FINAL)


def halt_when(stack: Stack, count: int) -> int:
    """Run the queue until this number of sagas has ended; return the number of tasks left."""
    queue, caller = connect(stack.tasks_host), Caller(stack.url)
    slow = tasks_v2.Queue(name=QUEUE, rate_limits={"max_concurrent_dispatches": 2})
    mask = {"paths": ["rate_limits.max_concurrent_dispatches"]}
    queue.update_queue(queue=slow, update_mask=mask)
    queue.resume_queue(name=QUEUE)
    wait_until(lambda: ended(caller) >= count, within=timedelta(seconds=60))
    queue.pause_queue(name=QUEUE)
    return len(list(queue.list_tasks(parent=QUEUE)))


@pytest.mark.skipif(not os.environ.get("LONG"), reason="waits for timeouts: make test-long")
def test_after_a_restore_all_sagas_end_and_the_books_balance(
    tmp_path: Path,
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    purchases, port = read_purchases(40), choose_port()  # a task keeps its worker's address
    early, late = purchases[:30], purchases[30:]
    supply = make_supply(purchases)
    with Stack(data=data, port=port, sweep_every=timedelta(seconds=600)) as stack:
        caller = Caller(stack.url)
        for sku, units in supply.units.items():
            caller.call("PUT", "set-stock", json={"sku": sku, "units": units})
        for customer, cents in supply.credit.items():
            body = {"customer_id": customer, "available_cents": cents}
            caller.call("PUT", "set-credit", json=body)
        connect(stack.tasks_host).pause_queue(name=QUEUE)
        place(caller, early)
        assert halt_when(stack, 5) > 0
    shutil.copytree(data / "datastore", backup)  # the time that is restored
    with Stack(data=data, port=port, sweep_every=timedelta(seconds=600)) as stack:
        caller = Caller(stack.url)
        place(caller, late)  # sagas that the backup does not have
        held = halt_when(stack, 20)
    assert held > 0
    shutil.rmtree(data / "datastore")
    shutil.copytree(backup, data / "datastore")
    with Stack(data=data, port=port, sweep_every=timedelta(seconds=1)) as stack:
        caller, queue = Caller(stack.url), connect(stack.tasks_host)
        assert 5 <= ended(caller) < 20
        threading.Event().wait(2)  # the sweep runs before the queue does
        queue.resume_queue(name=QUEUE)
        wait_until(lambda: ended(caller) == len(early), within=timedelta(seconds=120))
        wait_until(lambda: not list(queue.list_tasks(parent=QUEUE)), within=timedelta(seconds=60))
        page = caller.call("GET", "list-sagas", params={"page_size": 200})["items"]
        assert {saga["id"] for saga in page} == {each.id for each in early}
        completed = {saga["id"] for saga in page if saga["status"] == "COMPLETED"}
        store = Store(connect_datastore(project=stack.project, emulator_host=stack.datastore_host))
        sold = [each for each in early if each.id in completed]
        assert find_imbalances(read_books(store), supply, sold) == []
