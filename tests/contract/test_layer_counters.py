"""Eight writers add 1 to one counter 100 times each: no addition is lost or made twice."""

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lib.datastore import Store, Transaction, connect, key, key_of
from lib.errors import VersionMismatch
from lib.timing.backoff import Backoff
from tests.contract.layer import PROJECT
from tests.unit.datastore.models import Task

WRITERS = 8
ADDITIONS = 100
#: Google's emulators need minutes for that, which only `make test-long` takes.
FEW_ADDITIONS = 2
COUNTER = key(Task, "a", 1)
#: If a conflict costs a wait of two seconds for a lock, longer pauses are better.
PATIENCE = {"local": 1, "classic": 1, "fsd": 40}
#: More attempts than any service should need: the sum is tested, not the number.
ATTEMPTS = 1000


def add(tx: Transaction) -> None:
    counter = tx.get(COUNTER)
    tx.update(replace(counter, count=counter.count + 1))


def add_in_transaction(store: Store) -> None:
    store.transact(add, attempts=ATTEMPTS)


def add_in_optimistic_transaction(store: Store) -> None:
    store.transact_optimistically(add, attempts=ATTEMPTS)


def add_by_version(store: Store) -> None:
    backoff = Backoff()
    for failures in range(1, ATTEMPTS):
        counter = store.get(COUNTER)
        try:
            store.update(replace(counter, count=counter.count + 1), if_version=counter.version)
        except VersionMismatch:
            time.sleep(backoff.delay(failures, random.random()).total_seconds())
        else:
            return
    pytest.fail("no attempt got through")


@pytest.mark.slow
@pytest.mark.parametrize(
    "add_one", [add_in_transaction, add_in_optimistic_transaction, add_by_version]
)
def test_no_addition_is_lost_or_made_twice(
    datastore_host: str,
    namespace: str,
    add_one: Callable[[Store], None],
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.params["datastore_host"]
    additions = ADDITIONS if name == "local" or os.environ.get("LONG") else FEW_ADDITIONS
    patience = PATIENCE[name]
    store = Store(
        connect(PROJECT, emulator_host=datastore_host),
        namespace=namespace,
        sleep=lambda seconds: time.sleep(seconds * patience),
    )
    store.insert(Task(id=1, task_list_id="a"))

    def write(_: int) -> None:
        for _ in range(additions):
            add_one(store)

    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(write, range(WRITERS)))
    assert store.get(key_of(Task(id=1, task_list_id="a"))).count == WRITERS * additions
    store.close()
