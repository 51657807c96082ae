"""The store in memory has the guarantees of a Store that sagas and participants need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from lib.datastore import (
    UNSET_TIME,
    Id,
    Indexed,
    Key,
    Parent,
    Query,
    Transaction,
    UpdatedAt,
    Version,
    any_of,
    delete,
    entity,
    insert,
    key,
    update,
)
from lib.errors import AlreadyExists, Contention, NotFound, VersionMismatch
from lib.saga.testing import MemoryStore, VirtualClock


@entity
@dataclass(slots=True, kw_only=True)
class Shelf:
    id: Id[str]
    labels: list[str] = field(default_factory=list)
    size: Indexed[int] = 0
    changed_at: UpdatedAt = UNSET_TIME
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Book:
    shelf_id: Parent[str]
    id: Id[int] = 0
    pages: Indexed[int] = 0
    read_at: Indexed[datetime | None] = None
    version: Version = 0


A: Key[Shelf] = key(Shelf, "a")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_what_was_written_is_read_with_its_version_and_its_time(store: MemoryStore) -> None:
    written = store.insert(Shelf(id="a", labels=["x"]))
    assert written.version == 1
    assert written.changed_at == VirtualClock().now
    assert store.get(A) == written


def test_stored_entities_change_only_by_a_write(store: MemoryStore) -> None:
    mine = Shelf(id="a", labels=["x"])
    written = store.insert(mine)
    for copy in (mine, written, store.get(A)):
        copy.labels.append("y")
    [found] = store.run(Query(Shelf))
    found.labels.append("y")
    assert store.get(A).labels == ["x"]


def test_each_verb_refuses_what_it_should(store: MemoryStore) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        store.update(Shelf(id="a"))
    first = store.upsert(Shelf(id="a"))
    with pytest.raises(AlreadyExists, match="already exists"):
        store.insert(Shelf(id="a"))
    store.update(first, if_version=first.version)
    with pytest.raises(VersionMismatch, match="is not the given one"):
        store.update(first, if_version=first.version)
    with pytest.raises(VersionMismatch, match="is not the given one"):
        store.delete(A, if_version=first.version)
    store.delete(A)
    store.delete(A)
    assert store.find(A) is None
    with pytest.raises(VersionMismatch, match="is not the given one"):
        store.upsert(first, if_version=first.version)


def test_all_of_a_commit_is_written_or_none(store: MemoryStore) -> None:
    store.insert(Shelf(id="a"))
    with pytest.raises(NotFound, match=r"'c'. does not exist"):
        store.apply(insert(Shelf(id="b")), delete(A), update(Shelf(id="c")))
    assert store.find_multi([A, key(Shelf, "b")]) == [store.get(A), None]


def test_an_id_of_zero_is_allocated(store: MemoryStore) -> None:
    first, second = store.apply(insert(Book(shelf_id="a")), insert(Book(shelf_id="a")))
    assert 0 < first.id < second.id
    assert store.get(key(Book, "a", second.id)) == second


def test_a_mask_names_what_is_written(store: MemoryStore) -> None:
    store.insert(Shelf(id="a", labels=["x"], size=1))
    store.update(Shelf(id="a", labels=["y"], size=2), mask=["size"])
    assert (store.get(A).labels, store.get(A).size) == (["x"], 2)


def test_queries_filter_order_and_count(store: MemoryStore) -> None:
    for pages in (3, 1, 2):
        store.insert(Book(shelf_id="a", pages=pages))
    store.insert(Book(shelf_id="b", pages=9, read_at=VirtualClock().now))
    of_a = Query(Book).ancestor(A)
    assert [b.pages for b in store.run(of_a.where("pages", ">", 1).order("-pages"))] == [3, 2]
    assert [b.pages for b in store.run(of_a.order("pages"), limit=2)] == [1, 2]
    either = Query(Book).where(any_of(("pages", "=", 1), ("pages", "IN", [9])))
    assert store.count(either) == 2
    assert store.count(Query(Book), up_to=3) == 3
    assert store.run(Query(Book).where("read_at", ">=", VirtualClock().now)) != []
    assert [b.shelf_id for b in store.run(Query(Book).order("read_at", "pages"))][-1] == "b"


def grow(tx: Transaction) -> Shelf:
    shelf = tx.get(A)
    return tx.update(replace(shelf, size=shelf.size + 1))


@pytest.mark.parametrize("optimistic", [False, True])
def test_a_transaction_runs_again_if_its_reads_have_changed(
    store: MemoryStore, optimistic: bool
) -> None:
    store.insert(Shelf(id="a"))
    runs = []

    def body(tx: Transaction) -> Shelf:
        grown = grow(tx)
        runs.append(grown.size)
        if len(runs) == 1:
            store.transact(grow)
        return grown

    run: Callable[..., Shelf] = store.transact_optimistically if optimistic else store.transact
    assert run(body) == store.get(A)
    assert runs == [1, 2]


@pytest.mark.parametrize("optimistic", [False, True])
def test_a_transaction_out_of_attempts_fails(store: MemoryStore, optimistic: bool) -> None:
    store.insert(Shelf(id="a"))

    def body(tx: Transaction) -> None:
        grow(tx)
        store.transact(grow)

    run: Callable[..., None] = store.transact_optimistically if optimistic else store.transact
    with pytest.raises(Contention, match="has changed"):
        run(body, attempts=2)
    assert store.get(A).size == 2


def test_a_transaction_that_fails_writes_nothing(store: MemoryStore) -> None:
    store.insert(Shelf(id="a"))

    def body(tx: Transaction) -> None:
        grow(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact(body)
    assert store.get(A).size == 0


def test_a_transaction_sees_that_a_query_would_find_more_now(store: MemoryStore) -> None:
    counts = []

    def body(tx: Transaction) -> None:
        counts.append(len(tx.run(Query(Book).ancestor(A))))
        if len(counts) == 1:
            store.insert(Book(shelf_id="a"))
        tx.upsert(Shelf(id="a", size=counts[-1]))

    store.transact(body)
    assert counts == [0, 1]


def test_an_optimistic_transaction_is_as_strict_as_the_real_one(store: MemoryStore) -> None:
    store.insert(Shelf(id="a"))
    with pytest.raises(TypeError, match="runs no queries"):
        store.transact_optimistically(lambda tx: tx.run(Query(Shelf)))

    def body(tx: Transaction) -> None:
        tx.get(A)
        tx.insert(Shelf(id="b"))

    with pytest.raises(TypeError, match="read but not written"):
        store.transact_optimistically(body)


def test_multi_reads_and_writes_have_a_result_for_each_item(store: MemoryStore) -> None:
    first, again = store.insert_multi([Shelf(id="m"), Shelf(id="m")])
    assert first.unwrap().id == "m"
    with pytest.raises(AlreadyExists, match="already exists"):
        again.unwrap()
    there, gone = store.get_multi([key(Shelf, "m"), key(Shelf, "no")])
    assert there.unwrap().id == "m"
    with pytest.raises(NotFound, match="does not exist"):
        gone.unwrap()
    assert [each.error for each in store.delete_multi([key(Shelf, "m"), key(Shelf, "no")])] == [
        None,
        None,
    ]
    assert store.find(key(Shelf, "m")) is None


def test_what_the_memory_store_lacks_is_refused(store: MemoryStore) -> None:
    with pytest.raises(NotImplementedError, match="only finds whole entities"):
        store.run(Query(Shelf).keys_only())


@pytest.mark.parametrize("optimistically", [False, True])
def test_a_transaction_body_that_has_not_run_is_refused(optimistically: bool) -> None:
    async def later(_: Transaction) -> int:
        return 1

    def one_by_one(_: Transaction) -> Iterator[int]:
        yield 1

    store = MemoryStore()
    transact = store.transact_optimistically if optimistically else store.transact
    for body in (later, one_by_one, lambda tx: later(tx)):
        with pytest.raises(TypeError, match=r"of a transaction returned a (coroutine|generator)"):
            transact(body)
