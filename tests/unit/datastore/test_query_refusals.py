"""What a query refuses when it is constructed, naming the field."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from lib.datastore import Avg, Count, Query, Store, all_of, any_of, key
from lib.errors import Invalid
from tests.unit.datastore.connections import Script
from tests.unit.datastore.models import Colour, Everything, Task, TaskList

TASKS = Query(Task)
ALL = Query(Everything)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (lambda: TASKS.where("nonsense", "=", 1), "nonsense"),
        (lambda: TASKS.where("description", "=", "x"), "description"),
        (lambda: TASKS.where("version", "=", 1), "version"),
        (lambda: TASKS.where("priority", cast("Any", "~"), 1), "priority"),
        (lambda: TASKS.where("priority", "=", "high"), "priority"),
        (lambda: TASKS.where("priority", "=", True), "priority"),
        (lambda: TASKS.where("priority", "=", 2**63), "priority"),
        (lambda: TASKS.where("priority", "IN", []), "priority"),
        (lambda: TASKS.where("priority", "IN", 3), "priority"),
        (lambda: TASKS.where("priority", "IN", list(range(31))), "priority"),
        (lambda: TASKS.where("priority", "NOT_IN", list(range(11))), "priority"),
        (lambda: TASKS.where("tags", "=", "x" * 1501), "tags"),
        (lambda: TASKS.where("tags", "=", ["x"]), "tags"),
        (lambda: TASKS.where("id", "=", 5), "id"),
        (lambda: TASKS.where("id", "=", key(Task, "a", None)), "id"),
        (lambda: TASKS.where(any_of()), "where"),
        (lambda: TASKS.where(any_of(("priority", "=", 1), ("nonsense", "=", 1))), "nonsense"),
        (
            lambda: TASKS.where("priority", "IN", [1, 2, 3, 4, 5, 6]).where(
                "tags", "IN", list("abcdef")
            ),
            "where",
        ),
        (lambda: TASKS.where("due_at", "=", None), "due_at"),
        (lambda: TASKS.order("description"), "description"),
        (lambda: TASKS.order("-nonsense"), "nonsense"),
        (lambda: TASKS.project("description"), "description"),
        (lambda: TASKS.distinct("count"), "count"),
        (lambda: TASKS.ancestor(key(Task, "a", None)), "ancestor"),
        (lambda: ALL.where("home.street", "=", "x"), "home.street"),
        (lambda: ALL.where("home.nonsense", "=", "x"), "home.nonsense"),
        (lambda: ALL.where("text.x", "=", "x"), "text.x"),
        (lambda: ALL.where("colour", "=", "green"), "colour"),
    ],
)
def test_an_impossible_query_is_refused_when_it_is_constructed(
    form: Callable[[], Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        form()
    assert refused.value.field == field


def test_nested_enum_list_and_renamed_fields_can_be_queried() -> None:
    query = ALL.where("home.city", "=", "x").where("work.city", "=", "y")
    query.where("colour", "IN", [Colour.RED]).where("tags", "=", "a").where("maybe", "=", None)


def test_methods_of_a_query_do_not_change_it() -> None:
    base = TASKS.where("done", "=", False)
    assert base.order("priority") != base
    assert base == TASKS.where("done", "=", False)
    assert base.keys_only().only_keys
    assert not base.only_keys


@pytest.mark.parametrize("limit", [0, -1, True, 2**31, "5"])
def test_a_limit_or_a_page_size_is_a_positive_int(limit: Any) -> None:
    store = Store(Script())
    with pytest.raises(Invalid, match="limit"):
        store.run(TASKS, limit=limit)
    with pytest.raises(Invalid) as refused:
        store.page(TASKS, limit)
    assert refused.value.field == "page_size"


def test_aggregations_are_limited_and_need_indexed_fields() -> None:
    store = Store(Script())
    with pytest.raises(Invalid, match="1 to 5"):
        store.aggregate(TASKS, **{f"n{number}": Count() for number in range(6)})
    with pytest.raises(Invalid) as refused:
        store.aggregate(TASKS, mean=Avg("count"))
    assert refused.value.field == "count"


def test_alternatives_are_counted_as_the_service_does() -> None:
    six = TASKS.where("priority", "IN", [1, 2, 3, 4, 5, 6])
    six.where(any_of(*(("tags", "=", tag) for tag in "abcde")))
    with pytest.raises(Invalid, match="over 30 alternatives"):
        six.where(any_of(all_of(("tags", "IN", list("abc"))), ("tags", "IN", list("def"))))


def test_an_ancestor_of_another_kind_gives_no_results() -> None:
    assert TASKS.ancestor(key(TaskList, "a")).ancestor_key == key(TaskList, "a")
