"""Thousands of tasks, page by page, while another client inserts and deletes elsewhere."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from lib.datastore import Query, Store, connect, key
from tests.contract.layer import PROJECT
from tests.unit.datastore.models import Task

#: Google's emulators need a minute for ten thousand.
TASKS = {"local": 10_000, "classic": 2_000, "fsd": 2_000}
PAGE = 400
CHUNK = 500


def task(number: int) -> Task:
    """Return the task with a number: ids and priorities have different orders."""
    parent = "untouched" if number % 2 else "touched"
    return Task(id=number, task_list_id=parent, priority=(number * 7919) % 100_003)


@pytest.fixture
def reader(datastore_host: str, namespace: str) -> Iterator[Store]:
    made = Store(connect(PROJECT, emulator_host=datastore_host), namespace=namespace)
    yield made
    made.close()


@pytest.mark.slow
def test_each_untouched_task_is_seen_exactly_once(
    reader: Store, other: Store, request: pytest.FixtureRequest
) -> None:
    untouched = range(1, 2 * TASKS[request.node.callspec.params["datastore_host"]] + 1, 2)
    touched = range(2, 200, 2)
    for start in range(0, len(untouched), CHUNK):
        for outcome in other.insert_multi(map(task, untouched[start : start + CHUNK])):
            outcome.unwrap()
    done = threading.Event()
    rounds = 0

    def disturb() -> None:
        nonlocal rounds
        while not done.is_set():
            other.upsert_multi(map(task, touched))
            other.delete_multi(key(Task, "touched", number) for number in touched)
            rounds += 1

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        seen = Counter(item.id for item in read_all_pages(reader))
    finally:
        done.set()
        disturber.join()
    assert rounds > 0
    assert {number: seen[number] for number in untouched} == dict.fromkeys(untouched, 1)


def read_all_pages(store: Store) -> list[Task]:
    query = Query(Task).order("priority")
    page = store.page(query, PAGE)
    items = list(page.items)
    while page.next_page_token is not None:
        page = store.page(query, PAGE, page.next_page_token)
        items += page.items
    return items
