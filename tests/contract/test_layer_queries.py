"""Queries through the data layer on every Datastore."""

from datetime import UTC, datetime

import pytest

from lib.datastore import Avg, Count, Query, Store, Sum, all_of, any_of, insert, key, key_of
from lib.errors import Invalid, Malformed
from tests.unit.datastore.connections import FaultyConnection
from tests.unit.datastore.models import Task, TaskList

NO_DISJUNCTIONS = pytest.mark.deviation("classic", "it has no disjunctions")
NO_AGGREGATIONS = pytest.mark.deviation("classic", "it has no aggregations")
DUE = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
TASKS = Query(Task)


@pytest.fixture
def tasks(store: Store) -> list[Task]:
    """Ten tasks of list a with rising ids and priorities, every third done; one of list b."""
    made = [
        Task(
            id=number + 1,
            task_list_id="a",
            priority=number,
            done=number % 3 == 0,
            tags=["even"] if number % 2 == 0 else ["odd", "uneven"],
            due_at=DUE if number == 4 else None,
        )
        for number in range(10)
    ]
    stored = store.apply(*(insert(task) for task in made))
    store.insert(Task(id=99, task_list_id="b", priority=4))
    return stored


IN_A = TASKS.ancestor(key(TaskList, "a"))


@pytest.mark.parametrize(
    ("query", "priorities"),
    [
        (IN_A.order("-priority"), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (TASKS.where("priority", "=", 4).ancestor(key(TaskList, "a")), [4]),
        (TASKS.where("priority", ">=", 8).order("priority"), [8, 9]),
        (TASKS.where("priority", "<", 2).order("priority"), [0, 1]),
        (TASKS.where("done", "=", True).order("priority"), [0, 3, 6, 9]),
        (TASKS.where("done", "=", True).where("priority", ">", 3).order("priority"), [6, 9]),
        (TASKS.where("due_at", "=", DUE), [4]),
        (TASKS.where("tags", "=", "uneven").order("id"), [1, 3, 5, 7, 9]),
        (IN_A.where("id", ">", key(Task, "a", 9)), [9]),
    ],
)
def test_filters_and_orders(
    store: Store, tasks: list[Task], query: Query[Task], priorities: list[int]
) -> None:
    assert [task.priority for task in store.run(query)] == priorities


def test_a_key_of_another_namespace_is_refused_before_the_call(
    store: Store, faults: FaultyConnection, tasks: list[Task], namespace: str
) -> None:
    elsewhere = key(TaskList, "a").in_namespace("other")
    calls = faults.calls.copy()
    for query in (
        TASKS.ancestor(elsewhere),
        TASKS.where("id", "=", key(Task, "a", 1).in_namespace("other")),
        TASKS.where("id", "IN", [key(Task, "a", 1), key(Task, "a", 2).in_namespace("other")]),
    ):
        with pytest.raises(Invalid, match="namespace 'other', but the store reads"):
            store.run(query)
        with pytest.raises(Invalid, match="query store"):
            store.count(query)
        with pytest.raises(Invalid, match="namespace 'other'"):
            store.page(query, 5)
    assert faults.calls == calls
    assert store.in_namespace("other").run(TASKS.ancestor(elsewhere)) == []
    own = key(TaskList, "b").in_namespace(namespace)
    assert [task.id for task in store.run(TASKS.ancestor(own))] == [99]


@NO_DISJUNCTIONS
@pytest.mark.parametrize(
    ("query", "priorities"),
    [
        (TASKS.where("priority", "IN", [3, 1, 77]), [1, 3]),
        (TASKS.where("priority", "NOT_IN", [0, 1, 2, 3, 4, 5, 6, 7]), [8, 9]),
        (TASKS.where("done", "!=", False), [0, 3, 6, 9]),
        (TASKS.where(any_of(("priority", "=", 2), ("priority", ">", 8))), [2, 9]),
        (
            TASKS.where(
                any_of(all_of(("done", "=", True), ("priority", "=", 3)), ("priority", "=", 1))
            ),
            [1, 3],
        ),
    ],
)
def test_disjunctions(
    store: Store, tasks: list[Task], query: Query[Task], priorities: list[int]
) -> None:
    assert sorted(task.priority for task in store.run(query)) == priorities


def test_keys_only_and_a_limit(store: Store, tasks: list[Task]) -> None:
    keys = store.run(IN_A.order("priority").keys_only(), limit=2)
    assert keys == [key_of(tasks[0]), key_of(tasks[1])]
    assert store.get(keys[0]) == tasks[0]


def test_a_projection_returns_rows_with_the_ids(store: Store, tasks: list[Task]) -> None:
    assert store.run(TASKS.where("priority", ">", 8).project("priority")) == [
        {"task_list_id": "a", "id": 10, "priority": 9}
    ]
    assert store.run(TASKS.project("due_at")) == [{"task_list_id": "a", "id": 5, "due_at": DUE}]


def test_distinct_returns_each_combination_once(store: Store, tasks: list[Task]) -> None:
    rows = store.run(TASKS.distinct("done"))
    assert rows == [{"done": False}, {"done": True}]


@NO_AGGREGATIONS
def test_count_sum_and_average_in_one_call(
    store: Store, tasks: list[Task], faults: FaultyConnection
) -> None:
    faults.calls.clear()
    answer = store.aggregate(
        TASKS.where("priority", ">=", 0),
        number=Count(),
        few=Count(up_to=3),
        total=Sum("priority"),
        mean=Avg("priority"),
    )
    assert faults.calls == {"RunAggregationQuery": 1}
    assert answer == {"number": 11, "few": 3, "total": 49, "mean": 49 / 11}
    nothing = TASKS.where("priority", ">", 100)
    assert store.aggregate(nothing, total=Sum("priority"), mean=Avg("priority")) == {
        "total": 0,
        "mean": None,
    }
    assert store.count(IN_A) == 10


@pytest.mark.parametrize("size", [1, 3, 5, 10, 11])
def test_pages_hold_each_item_once_and_the_last_has_no_token(
    store: Store, tasks: list[Task], faults: FaultyConnection, size: int
) -> None:
    faults.calls.clear()
    seen: list[Task] = []
    token: str | None = None
    pages = 0
    while pages == 0 or token is not None:
        page = store.page(IN_A.order("-priority"), size, token)
        seen += page.items
        token = page.next_page_token
        pages += 1
    assert seen == tasks[::-1]
    assert pages == faults.calls["RunQuery"] == -(-10 // size)


@NO_DISJUNCTIONS
@pytest.mark.parametrize(
    "query",
    [
        TASKS.where("priority", "IN", [1, 2, 3, 5, 7]).order("priority"),
        TASKS.where(any_of(("priority", "<", 3), ("priority", ">", 7))).order("-priority"),
        TASKS.where("priority", "!=", 4).order("priority"),
    ],
)
def test_pages_of_a_disjunction_hold_each_item_once(
    store: Store, tasks: list[Task], query: Query[Task]
) -> None:
    seen: list[Task] = []
    page = store.page(query, 2)
    while page.next_page_token is not None:
        seen += page.items
        page = store.page(query, 2, page.next_page_token)
    assert [*seen, *page.items] == store.run(query)


def test_a_token_of_another_query_or_a_broken_one_is_refused_before_anything_is_sent(
    store: Store, tasks: list[Task], faults: FaultyConnection
) -> None:
    token = store.page(IN_A.order("priority"), 2).next_page_token
    assert token is not None
    faults.calls.clear()
    others = [IN_A.order("-priority"), TASKS.ancestor(key(TaskList, "b")).order("priority")]
    for query in others:
        with pytest.raises(Malformed) as refused:
            store.page(query, 2, token)
        assert refused.value.field == "page_token"
    for broken in ("", "é", "abc", token[:10], token + "!", "a" + token):
        with pytest.raises(Malformed, match=r"not a page token|the page token is broken"):
            store.page(IN_A.order("priority"), 2, broken)
    assert not faults.calls


@pytest.mark.deviation("classic", "it does not explain")
@pytest.mark.deviation("fsd", "it does not explain")
def test_explain_returns_the_indexes_and_the_cost(store: Store, tasks: list[Task]) -> None:
    query = TASKS.where("priority", ">", 7)
    plan = store.explain(query)
    assert plan is not None
    assert plan.indexes_used
    assert plan.results is None
    cost = store.explain(query, analyze=True)
    assert cost is not None
    assert cost.results == 2
