"""One unreadable entity breaks no function that lists."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from google.cloud import datastore

from domain.todo.models import Task
from domain.todo.requests import NewTaskList
from domain.todo.task_lists import make_list
from lib.datastore import Key, Store, connect, insert, key_of, time_mark
from lib.saga.state.records import DeadLetter, EventPage, SagaRecord, SagaStatus, StepRecord
from local.stack import Stack
from main import FUNCTIONS
from tests.http.conftest import Call

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Listing(NamedTuple):
    """How to call a function that lists, and which kind it lists."""

    kind: str
    spoils: tuple[str, Any]
    params: dict[str, Any]


#: Every function that returns several entities, with a value that makes one unreadable.
LISTINGS = {
    "list_task_lists": Listing("TaskList", ("name", 5), {"page_size": 200}),
    "list_tasks": Listing("Task", ("priority", "high"), {"task_list_id": "{name}"}),
    "list_task_summaries": Listing("Task", ("done", "perhaps"), {"task_list_id": "{name}"}),
    "query_tasks": Listing("Task", ("priority", "high"), {"description": "{name}"}),
    "list_sagas": Listing("Saga", ("fingerprint", 5), {"name": "{name}"}),
    "list_dead_letters": Listing("DeadLetter", ("reason", 5), {"name": "{name}"}),
}


class EntityCorruption:
    """Writes entities into the stack's Datastore, and makes some of them unreadable."""

    def __init__(self, stack: Stack) -> None:
        self.store = Store(connect(stack.project, emulator_host=stack.datastore_host))
        self._client: Any = datastore.Client(project=stack.project)  # type: ignore[no-untyped-call]
        self._stored: list[Key[Any]] = []

    def insert(self, *entities: Any) -> None:
        """Store entities until the test is over."""
        self.store.apply(*map(insert, entities))
        self._stored += map(key_of, entities)

    def clear(self) -> None:
        """Delete what was stored, because other tests count entities."""
        for outcome in self.store.delete_multi(self._stored):
            outcome.unwrap()

    def put(self, name: str) -> None:
        """Store two of each kind, one of them with an id that ends in -bad."""
        for number in (1, 2):
            self.insert(Task(task_list_id=name, id=number, description=name, created_at=NOW))
        for each in (name, f"{name}-bad"):
            task_list = make_list(NewTaskList(id=each, name=name), NOW)
            self.insert(task_list, *make_records(each, name))

    def make_unreadable(self, kind: str, name: str, value: tuple[str, Any]) -> None:
        """Give one stored entity a value that does not fit its model."""
        path = ("TaskList", name, "Task", 2) if kind == "Task" else (kind, f"{name}-bad")
        self.make_unreadable_at(path, value)

    def make_unreadable_at(self, path: tuple[Any, ...], value: tuple[str, Any]) -> None:
        """Give the entity at a path a value that does not fit its model."""
        stored = self._client.get(self._client.key(*path))
        stored[value[0]] = value[1]
        self._client.put(stored)


def make_records(saga_id: str, name: str) -> list[Any]:
    """Return a parked saga of one step, with its dead letter and a page of events."""
    saga = SagaRecord(
        id=saga_id, name=name, definition_version=1, fingerprint="f", status=SagaStatus.FAILED,
        total_steps=1, payload="{}", pages=1, created_at=NOW, updated_at=NOW,
        steps=[StepRecord(index=0, name="s1", service="", updated_at=NOW)],
        created_mark=time_mark(saga_id, NOW),
    )  # fmt: skip
    page = EventPage(saga_id=saga_id, id=1, events=[])
    letter = DeadLetter(
        id=saga_id,
        name=name,
        step="s1",
        reason="r",
        sequence=2,
        alerted=True,
        created_at=NOW,
        created_mark=time_mark(saga_id, NOW),
    )
    return [saga, page, letter]


@pytest.fixture
def corruption(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[EntityCorruption]:
    monkeypatch.setenv("DATASTORE_EMULATOR_HOST", stack.datastore_host)
    made = EntityCorruption(stack)
    yield made
    made.clear()


def test_every_function_that_lists_is_tested_here() -> None:
    listing = {name for name in FUNCTIONS if name.startswith(("list_", "query_"))}
    assert listing == {*LISTINGS, "list_saga_events"}  # a page of events is one entity: see below


@pytest.mark.parametrize("function", LISTINGS)
def test_a_list_continues_after_an_unreadable_entity_and_names_it(
    call: Call, corruption: EntityCorruption, unique: str, function: str
) -> None:
    kind, value, wanted = LISTINGS[function]
    corruption.put(unique)
    params = {key: str(each).format(name=unique) for key, each in wanted.items()}
    name = function.replace("_", "-")
    before = call("GET", name, params=params).json()
    corruption.make_unreadable(kind, unique, value)
    answer = call("GET", name, params=params)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert len(page["items"]) == len(before["items"]) - 1
    [named] = page["unreadable"]
    assert (named["kind"], named["property"]) == (kind, value[0])
    assert unique in named["key"]


def test_a_bulk_verb_continues_after_an_unreadable_saga(
    call: Call, corruption: EntityCorruption, unique: str
) -> None:
    corruption.put(unique)
    corruption.make_unreadable("Saga", unique, ("fingerprint", 5))
    body = {"verb": "pause", "reason": "x", "status": "FAILED", "name": unique}
    page = call("POST", "operate-sagas", json=body).json()
    assert [item["id"] for item in page["items"]] == [unique]
    assert [each["key"] for each in page["unreadable"]] == [f"Saga('{unique}-bad')"]


def test_a_saga_with_an_unreadable_page_of_events_is_shown(
    call: Call, corruption: EntityCorruption, unique: str
) -> None:
    corruption.put(unique)
    corruption.make_unreadable_at(("Saga", unique, "SagaEvents", 1), ("events", "first"))
    shown = call("GET", "get-saga", params={"id": unique}).json()
    assert [step["name"] for step in shown["steps"]] == ["s1"]
    params = {"id": unique, "page_token": shown["next_page_token"]}
    page = call("GET", "list-saga-events", params=params).json()
    assert page["items"] == []
    assert [each["property"] for each in page["unreadable"]] == ["events"]


def test_the_dashboard_skips_an_unreadable_oldest_saga(
    call: Call, corruption: EntityCorruption, unique: str
) -> None:
    for saga_id in (f"{unique}-old", f"{unique}-older"):
        old = make_records(saga_id, unique)[0]
        at = datetime(1999, 1, 1 if saga_id.endswith("older") else 2, tzinfo=UTC)
        old.created_at, old.created_mark = at, time_mark(saga_id, at)
        corruption.insert(old)
    corruption.make_unreadable_at(("Saga", f"{unique}-older"), ("fingerprint", 5))
    seen = call("GET", "monitor-sagas").json()
    assert seen["oldest_unfinished"]["id"] == f"{unique}-old"
    assert f"Saga('{unique}-older')" in [each["key"] for each in seen["unreadable"]]
