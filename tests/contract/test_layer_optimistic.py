"""Transactions without locks, on every Datastore."""

from dataclasses import replace

import pytest

from lib.datastore import Query, Store, Transaction, key
from lib.errors import AlreadyExists, Contention, NotFound
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Task, TaskList

LIST = key(TaskList, "a")


def rename(tx: Transaction) -> TaskList:
    renamed = replace(tx.get(LIST), name="new")
    tx.update(renamed)
    return renamed


def test_it_costs_a_lookup_and_a_commit_and_returns_what_is_stored(
    store: Store, faults: FaultyConnection
) -> None:
    store.insert(TaskList(id="a"))
    faults.calls.clear()
    renamed = store.transact_optimistically(rename)
    assert dict(faults.calls) == {"Lookup": 1, "Commit": 1}
    assert store.get(LIST) == renamed


def test_a_change_after_the_read_runs_it_again(store: Store, other: Store) -> None:
    store.insert(TaskList(id="a", name="first"))
    names: list[str] = []

    def append(tx: Transaction) -> None:
        seen = tx.get(LIST)
        names.append(seen.name)
        if len(names) == 1:
            other.update(replace(other.get(LIST), name="second"))
        tx.update(replace(seen, name=f"{seen.name} and third"))

    store.transact_optimistically(append)
    assert names == ["first", "second"]
    assert store.get(LIST).name == "second and third"


@pytest.mark.parametrize("verb", ["insert", "upsert"])
def test_a_creation_after_the_read_runs_it_again(store: Store, other: Store, verb: str) -> None:
    seen: list[TaskList | None] = []

    def create(tx: Transaction) -> None:
        seen.append(tx.find(LIST))
        if seen[-1] is None:
            other.insert(TaskList(id="a", name="theirs"))
            getattr(tx, verb)(TaskList(id="a", name="mine"))

    store.transact_optimistically(create)
    assert [found is None for found in seen] == [True, False]
    assert store.get(LIST).name == "theirs"


def test_a_deletion_after_the_read_runs_it_again(store: Store, other: Store) -> None:
    store.insert(TaskList(id="a"))

    def update(tx: Transaction) -> None:
        seen = tx.get(LIST)
        other.delete(LIST)
        tx.update(replace(seen, name="new"))

    with pytest.raises(NotFound, match="does not exist"):
        store.transact_optimistically(update)


def test_a_change_in_every_attempt_is_contention(store: Store, other: Store) -> None:
    store.insert(TaskList(id="a"))

    def lose(tx: Transaction) -> None:
        seen = tx.get(LIST)
        other.update(replace(other.get(LIST), name=f"{seen.name}x"))
        tx.update(replace(seen, name="mine"))

    with pytest.raises(Contention, match="is not the given one"):
        store.transact_optimistically(lose, attempts=3)
    assert store.get(LIST).name == "xxx"


def test_all_of_it_is_written_or_nothing(store: Store, other: Store) -> None:
    store.insert_multi([TaskList(id="a"), TaskList(id="b")])

    def write(tx: Transaction) -> None:
        one, two = tx.find_multi([LIST, key(TaskList, "b")])
        other.update(replace(other.get(key(TaskList, "b")), name="theirs"))
        tx.update(replace(one, name="mine"))
        tx.update(replace(two, name="mine"))

    with pytest.raises(Contention, match=r"2 entities: .*is not the given one"):
        store.transact_optimistically(write, attempts=1)
    assert store.get(LIST).name == ""


def test_a_write_without_a_read_fails_as_outside_a_transaction(store: Store) -> None:
    store.insert(TaskList(id="a"))
    with pytest.raises(AlreadyExists, match="already exists"):
        store.transact_optimistically(lambda tx: tx.insert(TaskList(id="a")))


def test_reading_without_writing_is_refused(store: Store) -> None:
    store.insert(TaskList(id="a"))

    def write_another(tx: Transaction) -> None:
        tx.get(LIST)
        tx.insert(TaskList(id="b"))

    with pytest.raises(TypeError, match="read but not written"):
        store.transact_optimistically(write_another)
    assert store.find(key(TaskList, "b")) is None


def test_a_query_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match="no queries"):
        store.transact_optimistically(lambda tx: tx.run(Query(Task)))


def test_it_leaves_no_transaction_open(store: Store, faults: FaultyConnection) -> None:
    store.insert(TaskList(id="a"))

    class Killed(BaseException):
        pass

    def die(tx: Transaction) -> None:
        tx.get(LIST)
        raise Killed

    with pytest.raises(Killed):
        store.transact_optimistically(die)
    assert faults.calls["BeginTransaction"] == faults.calls["Rollback"] == 0
