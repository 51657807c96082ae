"""An entity that does not fit its model is named, and the others of its page are returned."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from lib.datastore import (
    Id,
    Indexed,
    Parent,
    Query,
    Store,
    Transaction,
    UnreadableEntity,
    entity,
    key,
    update,
)
from lib.errors import Unreadable
from tests.unit.datastore.models import Task, TaskList

BAD = 3


@entity(kind="Task")
@dataclass(slots=True, kw_only=True)
class OtherTask:
    """A task of another revision of the code."""

    task_list_id: Parent[str]
    id: Id[int]
    priority: Indexed[str]


@pytest.fixture
def tasks(store: Store) -> Query[Task]:
    """A query of six tasks, the third of which cannot be read."""
    for number in range(1, 7):
        if number != BAD:
            store.insert(Task(id=number, task_list_id="a", priority=number))
    store.insert(OtherTask(id=BAD, task_list_id="a", priority="high"))
    return Query(Task).ancestor(key(TaskList, "a")).order("id")


def test_a_run_answers_the_others_and_names_the_unreadable_one(
    store: Store, tasks: Query[Task], capsys: pytest.CaptureFixture[str]
) -> None:
    found = store.run(tasks)
    assert [task.id for task in found] == [1, 2, 4, 5, 6]
    assert found.unreadable == (
        UnreadableEntity(
            kind="Task",
            key="TaskList('a')/Task(3)",
            property="priority",
            reason="Task TaskList('a')/Task(3): priority must be int, but str is stored",
        ),
    )
    assert capsys.readouterr().out.count('"alert":"unreadable-entity"') == 1


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_continue_after_an_unreadable_entity(
    store: Store, tasks: Query[Task], size: int
) -> None:
    seen: list[int] = []
    unreadable: list[str] = []
    token: str | None = None
    while True:
        page = store.page(tasks, size, token)
        seen += [task.id for task in page.items]
        unreadable += [each.key for each in page.unreadable]
        token = page.next_page_token
        if token is None:
            break
    assert (seen, unreadable) == ([1, 2, 4, 5, 6], ["TaskList('a')/Task(3)"])


def test_a_projection_names_the_row_that_cannot_be_read(store: Store, tasks: Query[Task]) -> None:
    assert store.run(tasks)
    rows = store.run(Query(Task).project("priority"))
    assert sorted(row["id"] for row in rows) == [1, 2, 4, 5, 6]
    assert [each.key for each in rows.unreadable] == ["TaskList('a')/Task(3)"]


def test_keys_only_queries_return_unreadable_entities_too(store: Store, tasks: Query[Task]) -> None:
    keys = store.run(tasks.keys_only())
    assert [each.id for each in keys] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.get(key(Task, "a", BAD)),
        lambda store: store.find_multi([key(Task, "a", 1), key(Task, "a", BAD)]),
    ],
)
def test_a_read_by_key_of_an_unreadable_entity_raises(
    store: Store, tasks: Query[Task], read: Callable[[Store], Any]
) -> None:
    assert len(store.run(tasks.keys_only())) == 6
    with pytest.raises(Unreadable, match=r"Task\(3\): priority must be int") as refused:
        read(store)
    assert (refused.value.kind, refused.value.key) == ("Task", "TaskList('a')/Task(3)")


def test_a_transaction_fails_for_an_unreadable_result(store: Store, tasks: Query[Task]) -> None:
    with pytest.raises(Unreadable, match=r"Task\(3\): priority must be int"):
        store.transact(lambda tx: tx.run(tasks))
    with pytest.raises(Unreadable, match=r"Task\(3\): priority must be int"):
        store.transact(lambda tx: tx.page(tasks, 5))


@pytest.mark.lacks("classic", "it ignores masks and transforms")
def test_an_unreadable_read_back_says_that_it_was_written(store: Store, tasks: Query[Task]) -> None:
    changes = [
        update(Task(id=number, task_list_id="a", description="new"), mask=["description"])
        for number in (1, BAD, 5)
    ]
    one, bad, other = store.write_multi(changes)
    assert (one.unwrap().description, other.unwrap().description) == ("new", "new")
    with pytest.raises(Unreadable, match="but str is stored; it was written"):
        bad.unwrap()

    def write(tx: Transaction) -> None:
        tx.apply(changes[1])

    for attempt in (lambda: store.apply(changes[1]), lambda: store.transact(write)):
        with pytest.raises(Unreadable, match="it was written"):
            attempt()


class Size(Enum):
    SMALL = "s"

    @classmethod
    def _missing_(cls, value: object) -> "Size":
        raise KeyError(value)


@entity
@dataclass(kw_only=True)
class Shirt:
    id: Id[str]
    size: Indexed[Size]


@entity(kind="Shirt")
@dataclass(kw_only=True)
class OtherShirt:
    id: Id[str]
    size: Indexed[str]


def test_an_enum_that_raises_breaks_no_query(store: Store) -> None:
    store.insert(OtherShirt(id="a", size="xxl"))
    store.insert(OtherShirt(id="b", size="s"))
    shirts = Query(Shirt)
    queries: list[Query[Any]] = [shirts, shirts.project("size"), shirts.distinct("size")]
    for query in queries:
        found = store.run(query)
        assert len(found) == 1
        assert [each.property for each in found.unreadable] == ["size"]
