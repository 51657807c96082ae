"""Eight writers add 1 to one counter 100 times each: no addition is lost or made twice."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lib.datastore import Store, Transaction, connect, key, key_of
from lib.errors import VersionMismatch
from lib.retry import Backoff
from tests.contract.layer import PROJECT
from tests.unit.datastore.models import Task

WRITERS = 8
ADDITIONS = 100
COUNTER = key(Task, "a", 1)
#: More than any service should need: what is tested is the sum, not the patience.
ATTEMPTS = 1000


def add_in_transaction(store: Store) -> None:
    def add(tx: Transaction) -> None:
        counter = tx.get(COUNTER)
        tx.update(replace(counter, count=counter.count + 1))

    store.transact(add, attempts=ATTEMPTS)


def add_optimistically(store: Store) -> None:
    backoff = Backoff()
    for failures in range(1, ATTEMPTS):
        counter = store.get(COUNTER)
        try:
            store.update(replace(counter, count=counter.count + 1), if_version=counter.version)
        except VersionMismatch:
            time.sleep(backoff.delay(failures).total_seconds())
        else:
            return
    pytest.fail("no attempt got through")


@pytest.mark.slow
@pytest.mark.parametrize("add", [add_in_transaction, add_optimistically])
def test_no_addition_is_lost_or_made_twice(
    datastore_host: str, namespace: str, add: Callable[[Store], None]
) -> None:
    store = Store(connect(PROJECT, emulator_host=datastore_host), namespace=namespace)
    store.insert(Task(id=1, task_list_id="a"))

    def write(_: int) -> None:
        for _ in range(ADDITIONS):
            add(store)

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(WRITERS)))
    assert store.get(key_of(Task(id=1, task_list_id="a"))).count == WRITERS * ADDITIONS
    store.close()
