"""The four verbs through the data layer, with their preconditions, on every Datastore."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib.datastore import (
    Query,
    Store,
    append_missing,
    delete,
    increment,
    insert,
    key,
    key_of,
    maximum,
    minimum,
    remove_all,
    server_time,
    update,
    upsert,
)
from lib.errors import AlreadyExists, Invalid, NotFound, VersionMismatch
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Everything, Stamped, Task, TaskList
from tests.unit.datastore.test_save_and_load import make_everything

NO_PARTIAL = pytest.mark.deviation("classic", "it ignores masks and transforms")


def test_what_is_inserted_is_returned_and_found_as_stored(store: Store) -> None:
    stored = store.insert(Task(id=0, task_list_id="a", description="x", tags=["b"]))
    assert stored.id > 0
    assert stored.version > 0
    assert store.get(key(Task, "a", stored.id)) == stored


def test_every_kind_of_value_is_read_back_as_stored(store: Store) -> None:
    value = make_everything(
        anything={"list": [1, None, b"\xff", {"x": 2.5}], "at": datetime(1969, 1, 1, tzinfo=UTC)},
        owner=key(TaskList, "a"),
        tags=["b", "a"],
    )
    stored = store.insert(value)
    assert stored == replace(value, version=stored.version)
    assert store.find(key(Everything, "e")) == stored


def test_an_insert_of_what_exists_and_an_update_of_what_does_not_are_refused(store: Store) -> None:
    first = store.insert(TaskList(id="a", name="first"))
    with pytest.raises(AlreadyExists, match=r"TaskList\('a'\)"):
        store.insert(TaskList(id="a", name="second"))
    with pytest.raises(NotFound, match=r"TaskList\('b'\)"):
        store.update(TaskList(id="b"))
    assert store.get(key(TaskList, "a")) == first


def test_upserts_and_deletes_need_no_existing_entity(store: Store) -> None:
    first = store.upsert(TaskList(id="a", name="one"))
    second = store.upsert(TaskList(id="a", name="two"))
    assert second.version > first.version
    store.delete(key(TaskList, "a"))
    store.delete(key(TaskList, "a"))
    assert store.find(key(TaskList, "a")) is None
    with pytest.raises(NotFound, match=r"TaskList\('a'\) does not exist"):
        store.get(key(TaskList, "a"))


def test_a_stale_version_is_refused_and_nothing_of_the_commit_is_written(store: Store) -> None:
    seen = store.insert(TaskList(id="a", name="one"))
    now = store.update(replace(seen, name="two"), if_version=seen.version)
    for stale in (
        update(replace(seen, name="three"), if_version=seen.version),
        upsert(replace(seen, name="three"), if_version=seen.version),
        delete(key_of(seen), if_version=seen.version),
    ):
        with pytest.raises(VersionMismatch, match="is not the given one"):
            store.apply(insert(TaskList(id="b")), stale)
    assert store.find_multi([key(TaskList, "a"), key(TaskList, "b")]) == [now, None]
    store.delete(key_of(now), if_version=now.version)
    assert store.find(key_of(now)) is None


def test_one_commit_writes_all_and_answers_in_order(store: Store, faults: FaultyConnection) -> None:
    old = store.insert(TaskList(id="old"))
    faults.calls.clear()
    made, nothing, upserted = store.apply(
        insert(Task(id=0, task_list_id="a")), delete(key_of(old)), upsert(TaskList(id="new"))
    )
    assert faults.calls == {"Commit": 1}
    assert nothing is None
    assert store.find_multi([key_of(made), key_of(old), key_of(upserted)]) == [made, None, upserted]


def test_a_lookup_of_mixed_kinds_is_one_call_and_keeps_the_order(
    store: Store, faults: FaultyConnection
) -> None:
    tasks = store.apply(*(insert(Task(id=n, task_list_id="a")) for n in range(1, 301)))
    top = store.insert(TaskList(id="a"))
    wanted = [key_of(task) for task in reversed(tasks)]
    faults.calls.clear()
    found = store.find_multi([key_of(top), *wanted, key(TaskList, "missing"), key_of(top)])
    assert faults.calls == {"Lookup": 1}
    assert found == [top, *reversed(tasks), None, top]


@NO_PARTIAL
def test_an_update_with_a_mask_leaves_the_rest_as_it_is(store: Store) -> None:
    task = store.insert(Task(id=0, task_list_id="a", description="old", priority=1, tags=["x"]))
    store.update(replace(task, description="new", priority=2, tags=[]), mask=["description"])
    found = store.get(key_of(task))
    assert (found.description, found.priority, found.tags) == ("new", 1, ["x"])


@NO_PARTIAL
def test_transforms_change_what_is_stored_and_answer_with_it(store: Store, other: Store) -> None:
    seen = store.insert(Task(id=0, task_list_id="a", count=1, priority=5, tags=["x", "y"]))
    other.update(replace(seen, count=100, description="theirs"))
    written = store.update(
        seen,
        mask=(),
        transforms=[
            increment("count", 2),
            maximum("priority", 9),
            append_missing("tags", ["y", "z"]),
            server_time("due_at"),
        ],
    )
    assert (written.count, written.priority, written.tags) == (102, 9, ["x", "y", "z"])
    found = store.get(key_of(seen))
    assert found.description == "theirs"
    assert found == written
    store.update(seen, mask=(), transforms=[minimum("priority", 3), remove_all("tags", ["x"])])
    again = store.get(key_of(seen))
    assert (again.priority, again.tags) == (3, ["y", "z"])


def test_created_and_updated_times_are_set_by_the_writes(store: Store) -> None:
    first = store.insert(Stamped(id="a"))
    second = store.update(replace(first, note="x"))
    assert first.created_at == first.updated_at == second.created_at
    assert second.updated_at > first.updated_at
    assert store.get(key_of(second)) == second


@pytest.mark.parametrize("name", ["", "__x__", "x" * 1501, "\ud800"])
def test_an_invalid_key_name_is_refused_before_anything_is_sent(
    store: Store, faults: FaultyConnection, name: str
) -> None:
    with pytest.raises(Invalid) as refused:
        store.insert(TaskList(id=name))
    assert refused.value.field == "id"
    with pytest.raises(Invalid, match=r"^task_list_id "):
        key(Task, name, 1)
    assert not faults.calls


def test_namespaces_do_not_see_one_another(store: Store, namespace: str) -> None:
    mine = store.insert(TaskList(id="a", name="mine"))
    elsewhere = store.in_namespace(f"{namespace}-other")
    assert elsewhere.find(key_of(mine)) is None
    theirs = elsewhere.insert(TaskList(id="a", name="theirs"))
    assert store.get(key_of(mine)) == mine
    assert store.get(key_of(mine).in_namespace(f"{namespace}-other")) == theirs
    assert elsewhere.run(Query(TaskList)) == [theirs]
    assert elsewhere.run(Query(TaskList).keys_only()) == [key_of(theirs)]
