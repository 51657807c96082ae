"""Many reads and writes: chunked, each with its own result, in the given order."""

from dataclasses import replace

from lib.datastore import Store, delete, insert, key, key_of, update
from lib.errors import AlreadyExists, Invalid, NotFound, Unavailable, VersionMismatch
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Task, TaskList


def task(number: int, **changes: object) -> Task:
    return replace(Task(id=number, task_list_id="a"), **changes)  # type: ignore[arg-type]


def test_more_than_one_chunk_is_written_and_read_in_order(
    store: Store, faults: FaultyConnection
) -> None:
    written = store.insert_multi(task(number) for number in range(1, 1102))
    assert [outcome.unwrap().id for outcome in written] == list(range(1, 1102))
    assert faults.calls["Commit"] >= 3
    keys = [key(Task, "a", number) for number in range(1101, 0, -1)]
    read = store.get_multi(keys)
    assert [outcome.unwrap().id for outcome in read] == list(range(1101, 0, -1))
    assert faults.calls["Lookup"] == 2
    assert all(outcome.error is None for outcome in store.delete_multi(keys))
    assert store.find(keys[0]) is None


def test_ids_are_allocated_in_the_order_asked(store: Store) -> None:
    written = store.insert_multi(task(0, count=number) for number in range(20))
    stored = [outcome.unwrap() for outcome in written]
    assert [item.count for item in stored] == list(range(20))
    assert len({item.id for item in stored}) == 20


def test_possible_writes_are_made_and_the_others_have_errors(
    store: Store, faults: FaultyConnection
) -> None:
    store.apply(insert(task(3)), insert(task(7)))
    faults.calls.clear()
    entities = [task(number) for number in range(1, 11)]
    entities[4] = task(5, description="x" * 2_000_000)
    outcomes = store.insert_multi(entities)
    failed = {index + 1: type(item.error) for index, item in enumerate(outcomes) if item.error}
    assert failed == {3: AlreadyExists, 7: AlreadyExists, 5: Invalid}
    assert faults.calls == {"Commit": 2, "Lookup": 1}
    found = store.get_multi([key(Task, "a", number) for number in range(1, 11)])
    assert [item.error is None for item in found] == [number != 5 for number in range(1, 11)]


def test_missing_entities_and_stale_versions_fail_individually(
    store: Store,
) -> None:
    first, second = store.apply(insert(task(1)), insert(task(2)))
    store.update(replace(second, count=1))
    outcomes = store.write_multi(
        [
            update(replace(first, count=5), if_version=first.version),
            update(replace(second, count=5), if_version=second.version),
            update(task(3)),
            delete(key_of(second), if_version=second.version),
            delete(key(Task, "a", 99)),
        ]
    )
    kinds = [type(outcome.error) for outcome in outcomes]
    assert kinds == [type(None), VersionMismatch, NotFound, VersionMismatch, type(None)]
    assert [store.get(key(Task, "a", number)).count for number in (1, 2)] == [5, 1]


def test_several_writes_of_one_key_are_made_in_order(store: Store) -> None:
    outcomes = store.write_multi(
        [insert(task(1, count=1)), update(task(1, count=2)), insert(task(1)), insert(task(2))]
    )
    assert [type(item.error) for item in outcomes] == [
        type(None),
        type(None),
        AlreadyExists,
        type(None),
    ]
    assert store.get(key(Task, "a", 1)).count == 2


def test_missing_and_unreadable_entities_fail_individually(store: Store) -> None:
    store.insert(task(1))
    found, missing = store.get_multi([key(Task, "a", 1), key(Task, "a", 2)])
    assert found.unwrap().id == 1
    assert isinstance(missing.error, NotFound)


def test_a_service_that_does_not_answer_fails_the_chunk_and_not_the_others(
    store: Store, faults: FaultyConnection
) -> None:
    faults.refuse("Commit", *["UNAVAILABLE"] * 5)
    outcomes = store.upsert_multi([TaskList(id="a"), TaskList(id="b")])
    assert [type(item.error) for item in outcomes] == [Unavailable, Unavailable]
    assert store.upsert_multi([TaskList(id="a")])[0].unwrap().version > 0
