"""Transactions through the data layer, on every Datastore."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lib.datastore import Query, Store, Transaction, key, key_of
from lib.errors import AlreadyExists, Contention, NotFound, Unavailable
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Task, TaskList


def add_task(tx: Transaction) -> Task:
    tx.get(key(TaskList, "a"))
    return tx.insert(Task(id=0, task_list_id="a"))


def test_what_it_returns_comes_back_as_it_is_stored(store: Store) -> None:
    store.insert(TaskList(id="a"))
    task = store.transact(add_task)
    assert task.id > 0
    assert task.version > 0
    assert store.get(key_of(task)) == task


def test_an_error_in_it_rolls_it_back(store: Store, faults: FaultyConnection) -> None:
    store.insert(TaskList(id="a"))

    def fail(tx: Transaction) -> None:
        add_task(tx)
        tx.get(key(TaskList, "missing"))

    with pytest.raises(NotFound, match="does not exist"):
        store.transact(fail)
    assert faults.calls["Rollback"] == 1
    assert store.run(Query(Task).ancestor(key(TaskList, "a"))) == []


def test_it_reads_its_queries_and_its_keys_in_one_snapshot(store: Store, other: Store) -> None:
    store.insert(TaskList(id="a"))

    def look(tx: Transaction) -> tuple[int, TaskList | None]:
        before = len(tx.run(Query(Task).ancestor(key(TaskList, "a"))))
        other.insert(Task(id=0, task_list_id="a"))
        other.delete(key(TaskList, "a"))
        assert len(tx.run(Query(Task).ancestor(key(TaskList, "a")))) == before
        return before, tx.find(key(TaskList, "a"))

    before, found = store.transact(look, read_only=True)
    assert before == 0
    assert found is not None


def test_a_read_only_one_refuses_to_write(store: Store) -> None:
    with pytest.raises(TypeError, match="read-only"):
        store.transact(lambda tx: tx.delete(key(TaskList, "a")), read_only=True)


def test_one_within_another_is_refused(store: Store) -> None:
    with pytest.raises(RuntimeError, match="transactions cannot be nested"):
        store.transact(lambda _: store.transact(lambda _: None))


def test_contention_runs_it_again_naming_the_previous_transaction(
    store: Store, faults: FaultyConnection
) -> None:
    first = store.insert(TaskList(id="a"))
    faults.refuse("Commit", "ABORTED", "ABORTED")
    runs = 0

    def rename(tx: Transaction) -> TaskList:
        nonlocal runs
        runs += 1
        return tx.update(replace(tx.get(key_of(first)), name=f"run {runs}"))

    assert store.transact(rename).name == "run 3"
    assert runs == 3


def test_attempts_are_limited(store: Store, faults: FaultyConnection) -> None:
    store.insert(TaskList(id="a"))
    faults.refuse("Commit", *["ABORTED"] * 9)
    with pytest.raises(Contention, match=r"Commit of .*ABORTED"):
        store.transact(add_task, attempts=3)
    assert faults.calls["Commit"] == 3 + 1
    assert store.run(Query(Task).ancestor(key(TaskList, "a"))) == []


def test_an_expired_transaction_is_run_again(store: Store, faults: FaultyConnection) -> None:
    store.insert(TaskList(id="a"))
    runs = 0

    def add(tx: Transaction) -> Task:
        nonlocal runs
        runs += 1
        task = add_task(tx)
        if runs == 1:
            tx.roll_back()
        return task

    assert store.transact(add).version > 0
    assert runs == 2


def test_writes_alone_need_no_read(store: Store) -> None:
    made = store.transact(lambda tx: [tx.upsert(TaskList(id=name)) for name in "ab"])
    assert store.find_multi([key(TaskList, "a"), key(TaskList, "b")]) == made
    with pytest.raises(AlreadyExists, match="already exists"):
        store.transact(lambda tx: tx.insert(TaskList(id="a")))
    with pytest.raises(NotFound, match=r"'c'. does not exist"):
        store.transact(lambda tx: tx.update(TaskList(id="c")))


def test_the_calls_of_a_transaction_are_begin_lookup_and_commit(
    store: Store, faults: FaultyConnection
) -> None:
    task_list = store.insert(TaskList(id="a"))
    faults.calls.clear()
    store.transact(lambda tx: tx.update(replace(tx.get(key_of(task_list)), name="x")))
    assert faults.calls == {"BeginTransaction": 1, "Lookup": 1, "Commit": 1}


LOST = ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED"]


@pytest.mark.parametrize("status", LOST)
def test_a_commit_whose_answer_was_lost_counts_once_when_it_went_through(
    store: Store, faults: FaultyConnection, status: str
) -> None:
    store.insert(Task(id=1, task_list_id="a", count=5))
    faults.lose("Commit", status)
    task = store.transact(add_one)
    assert task == store.get(key(Task, "a", 1))
    assert task.count == 6


@pytest.mark.parametrize("status", LOST)
def test_a_commit_whose_answer_was_lost_is_run_again_when_it_did_not_go_through(
    store: Store, faults: FaultyConnection, status: str
) -> None:
    store.insert(Task(id=1, task_list_id="a", count=5))
    faults.refuse("Commit", status, status)
    assert store.transact(add_one).count == 6


def test_a_lost_answer_counts_once_even_if_overwritten_meanwhile(
    store: Store, faults: FaultyConnection, other: Store
) -> None:
    store.insert(Task(id=1, task_list_id="a", count=5))
    faults.lose("Commit", "UNAVAILABLE")
    faults.meanwhile = lambda: in_another_thread(lambda: other.transact(add_one))
    store.transact(add_one)
    assert store.get(key(Task, "a", 1)).count == 7


def test_an_outcome_that_cannot_be_determined_is_an_error(
    store: Store, faults: FaultyConnection
) -> None:
    store.insert(Task(id=1, task_list_id="a", count=5))
    faults.lose("Commit", "UNAVAILABLE")
    faults.refuse("Rollback", *["UNAVAILABLE"] * 20)
    with pytest.raises(Unavailable, match="Rollback: UNAVAILABLE"):
        store.transact(add_one)
    assert store.get(key(Task, "a", 1)).count == 6


def add_one(tx: Transaction) -> Task:
    task = tx.get(key(Task, "a", 1))
    return tx.update(replace(task, count=task.count + 1))


def in_another_thread(work: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.parametrize("optimistically", [False, True])
def test_a_deferred_body_is_refused_and_nothing_is_written(
    store: Store, optimistically: bool
) -> None:
    async def later(tx: Transaction) -> None:
        tx.upsert(TaskList(id="later", name="x"))

    transact = store.transact_optimistically if optimistically else store.transact
    for body in (later, lambda tx: (tx.delete(each) for each in [key(TaskList, "later")])):
        with pytest.raises(TypeError, match=r"of a transaction returned a (coroutine|generator)"):
            transact(body)
    assert store.find(key(TaskList, "later")) is None
