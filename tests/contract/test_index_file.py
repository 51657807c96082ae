"""index.yaml has what the functions' queries need, and nothing else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
import yaml

from domain.todo import task_lists, task_queries
from domain.todo.requests import NewTaskList
from domain.todo.task_queries import TaskFilter, TaskOrder
from lib.datastore import Store, connect
from lib.errors import AmendsError, Invalid
from lib.saga.engine.repository import SagaRepository
from lib.saga.operators import view
from lib.saga.operators.compatibility import count_unknown_status, find_stranded
from lib.saga.operators.dashboard import monitor
from lib.saga.state.records import SagaStatus
from local.datastore.api.server import Handle, serve
from local.stack.supervisor import PROJECT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIST = task_lists.make_list(NewTaskList(id="list", name="x"), NOW)
Ask = Callable[[Store], object]


def list_filters() -> Iterator[tuple[TaskFilter, TaskOrder | None]]:
    """Every choice of filters and order that query-tasks takes."""
    choices = product((None, False), (None, "x"), (None, 1), (None, NOW), (None, NOW))
    for (done, text, priority, since, before), order in product(choices, (None, *TaskOrder)):
        wanted = TaskFilter(
            done=done,
            description=text,
            priority_at_least=priority,
            due_from=since,
            due_before=before,
        )
        yield wanted, order


def list_queries() -> Iterator[Ask]:
    """Every query of the functions."""
    yield lambda store: task_lists.list_page(store, 10, None)
    yield lambda store: task_lists.delete_with_tasks(store, LIST.id, None)
    for hidden in (False, True):
        yield lambda store, hidden=hidden: task_queries.page_of_list(  # type: ignore[misc]
            store, LIST.id, 10, None, include_deleted=hidden
        )
    yield lambda store: task_queries.page_of_summaries(store, LIST.id, 10, None)
    yield lambda store: task_queries.compute_statistics(store, LIST.id)
    for wanted, order in list_filters():
        yield lambda store, w=wanted, o=order: task_queries.page_of_matches(store, w, o, 10, None)  # type: ignore[misc]
        yield lambda store, w=wanted: task_queries.count_matches(store, w)  # type: ignore[misc]
    for status, name in product((None, *SagaStatus), (None, "orders")):
        yield lambda store, s=status, n=name: view.page_of_sagas(
            SagaRepository(store), s, n, 10, None
        )  # type: ignore[misc]
    for name in (None, "orders"):
        yield lambda store, n=name: view.count_sagas(SagaRepository(store), n)  # type: ignore[misc]
    yield lambda store: list(SagaRepository(store).overdue(NOW, 10, []))
    yield lambda store: SagaRepository(store).events("s")
    yield lambda store: list(SagaRepository(store).purgeable(NOW, 10, []))
    yield lambda store: list(SagaRepository(store).unalerted(10, []))
    yield lambda store: monitor(SagaRepository(store), NOW)
    yield lambda store: find_stranded(store, {})
    yield count_unknown_status
    for name in (None, "orders"):
        yield lambda store, n=name: view.page_of_letters(SagaRepository(store), n, 10, None)  # type: ignore[misc]
        yield lambda store, n=name: view.count_letters(SagaRepository(store), n)  # type: ignore[misc]


def find_refusal(store: Store) -> str:
    """Return the server's message for the first query that it refuses, or None."""
    for ask in list_queries():
        try:
            store.upsert(LIST)
            ask(store)
        except Invalid:
            continue  # an order that conflicts with a range is never sent to Datastore
        except AmendsError as refusal:
            return refusal.detail
    return ""


@pytest.fixture
def refusal_with(tmp_path: Path) -> Iterator[Callable[[list[object]], str]]:
    servers: list[Handle] = []

    def ask_all(entries: list[object]) -> str:
        index_file = tmp_path / f"index-{len(servers)}.yaml"
        index_file.write_text(yaml.safe_dump({"indexes": entries}))
        servers.append(serve(tmp_path / str(len(servers)), index_file=index_file))
        return find_refusal(Store(connect("p", emulator_host=f"127.0.0.1:{servers[-1].port}")))

    yield ask_all
    for server in servers:
        server.stop()


ENTRIES = yaml.safe_load((PROJECT / "index.yaml").read_text())["indexes"]


def test_every_query_of_the_functions_has_its_indexes(
    refusal_with: Callable[[list[object]], str],
) -> None:
    assert refusal_with(ENTRIES) == ""


@pytest.mark.parametrize("number", range(len(ENTRIES)))
def test_every_index_is_needed_by_a_query(
    refusal_with: Callable[[list[object]], str], number: int
) -> None:
    assert "index" in refusal_with(ENTRIES[:number] + ENTRIES[number + 1 :])
