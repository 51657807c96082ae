"""Single commits whose answer was lost: repeated only if that is safe."""

from dataclasses import replace

import pytest

from lib.datastore import Store, delete, increment, insert, key, key_of, update, upsert
from lib.errors import AlreadyExists, Contention, Unavailable, VersionMismatch
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Task, TaskList


def test_repeatable_writes_are_sent_again(store: Store, faults: FaultyConnection) -> None:
    old, changed = store.apply(insert(TaskList(id="old")), insert(TaskList(id="changed")))
    faults.calls.clear()
    faults.lose("Commit", "UNAVAILABLE", "INTERNAL")
    store.apply(upsert(TaskList(id="new")), delete(key_of(old)), update(replace(changed, name="x")))
    assert faults.calls["Commit"] == 3
    found = store.find_multi([key(TaskList, name) for name in ("new", "old", "changed")])
    assert [item and item.name for item in found] == ["", None, "x"]


def test_an_insert_without_an_id_is_not_sent_again(store: Store, faults: FaultyConnection) -> None:
    faults.lose("Commit", "UNAVAILABLE")
    with pytest.raises(Unavailable, match=r"Commit of .*UNAVAILABLE"):
        store.insert(Task(id=0, task_list_id="a"))
    assert faults.calls["Commit"] == 1


@pytest.mark.deviation("classic", "it ignores transforms")
def test_an_increment_is_not_sent_again(store: Store, faults: FaultyConnection) -> None:
    task = store.insert(Task(id=1, task_list_id="a"))
    faults.lose("Commit", "UNAVAILABLE")
    with pytest.raises(Unavailable, match=r"Commit of .*UNAVAILABLE"):
        store.update(task, mask=(), transforms=[increment("count", 1)])
    assert store.get(key_of(task)).count == 1


def test_a_refused_repetition_is_reported_as_unknown(
    store: Store, faults: FaultyConnection
) -> None:
    faults.lose("Commit", "UNAVAILABLE")
    with pytest.raises(Unavailable, match="it is unknown whether TaskList\\('a'\\) was written"):
        store.insert(TaskList(id="a"))
    seen = store.get(key(TaskList, "a"))
    faults.lose("Commit", "UNAVAILABLE")
    with pytest.raises(Unavailable, match="it is unknown whether"):
        store.update(replace(seen, name="x"), if_version=seen.version)
    assert store.get(key(TaskList, "a")).name == "x"


def test_a_write_that_never_happened_has_its_own_error(
    store: Store, faults: FaultyConnection
) -> None:
    seen = store.insert(TaskList(id="a"))
    now = store.update(replace(seen, name="x"))
    faults.refuse("Commit", "RESOURCE_EXHAUSTED")
    with pytest.raises(AlreadyExists, match="already exists"):
        store.insert(TaskList(id="a"))
    with pytest.raises(VersionMismatch, match="is not the given one"):
        store.update(seen, if_version=seen.version)
    assert store.get(key_of(seen)) == now


def test_contention_is_retried_and_then_reported(store: Store, faults: FaultyConnection) -> None:
    faults.refuse("Commit", "ABORTED")
    store.upsert(TaskList(id="a"))
    faults.refuse("Commit", *["ABORTED"] * 9)
    with pytest.raises(Contention, match=r"Commit of .*ABORTED"):
        store.upsert(TaskList(id="b"))
    assert store.find(key(TaskList, "b")) is None


def test_reads_are_retried(store: Store, faults: FaultyConnection) -> None:
    stored = store.insert(TaskList(id="a"))
    faults.lose("Lookup", "UNAVAILABLE", "INTERNAL", "ABORTED")
    assert store.get(key_of(stored)) == stored
