"""Pages in the order of a time mark: one order over all shards, each entity exactly once."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest

from lib.datastore import (
    SHARDS,
    Id,
    Indexed,
    OmitEmpty,
    Page,
    Query,
    Store,
    entity,
    key,
    marked_since,
    shard_of,
    time_mark,
)
from lib.datastore.read import time_order
from lib.errors import Invalid, Malformed
from lib.timing import time_marks
from tests.unit.datastore.connections import FaultyConnection

START = datetime(2026, 1, 1, tzinfo=UTC)


@entity
@dataclass(slots=True, kw_only=True)
class Visit:
    id: Id[str]
    number: int
    at: Annotated[str, Indexed, OmitEmpty] = ""


@entity(kind="Visit")
@dataclass(slots=True, kw_only=True)
class NewerVisit:
    id: Id[str]
    number: str = "many"
    at: Indexed[str]


ALL = Query(Visit)


def visit(number: int, *, seconds: int | None = None) -> Visit:
    at = START + timedelta(seconds=number if seconds is None else seconds)
    name = f"v{number}"
    return Visit(id=name, number=number, at=time_mark(name, at))


def put(store: Store, *visits: Visit) -> None:
    for outcome in store.insert_multi(visits):
        outcome.unwrap()


def read(store: Store, order: str, size: int) -> Iterator[Page[Visit]]:
    token: str | None = None
    while True:
        page = store.page_by_time(ALL, order, size, token)
        yield page
        token = page.next_page_token
        if token is None:
            return


def numbers(pages: Iterator[Page[Visit]]) -> list[int]:
    return [each.number for page in pages for each in page.items]


@pytest.mark.parametrize("size", [1, 7, 40, 41, 200])
def test_the_latest_come_first_over_all_shards(store: Store, size: int) -> None:
    put(store, *(visit(number) for number in random.Random(5).sample(range(40), 40)))
    assert numbers(read(store, "-at", size)) == list(reversed(range(40)))
    assert numbers(read(store, "at", size)) == list(range(40))


def test_entities_with_equal_times_are_each_returned_once(store: Store) -> None:
    put(store, *(visit(number, seconds=3) for number in range(30)))
    for order in ("at", "-at"):
        assert sorted(numbers(read(store, order, 4))) == list(range(30))


def test_changes_between_pages_affect_no_other_result(store: Store) -> None:
    put(store, *(visit(number) for number in range(100, 130)))
    pages = read(store, "-at", 10)
    seen = [each.number for each in next(pages).items]
    put(store, *(visit(number) for number in range(130, 150)))
    store.delete(key(Visit, "v120"))  # the one at which the next page begins
    store.delete(key(Visit, "v105"))
    seen += numbers(pages)
    assert seen == [*range(129, 105, -1), *range(104, 99, -1)]


def test_a_token_works_in_another_process(store: Store, other: Store) -> None:
    put(store, *(visit(number) for number in range(9)))
    first = store.page_by_time(ALL, "at", 5)
    rest = other.page_by_time(ALL, "at", 5, first.next_page_token)
    assert [each.number for each in rest.items] == [5, 6, 7, 8]


def test_a_token_is_bound_to_its_query_its_order_and_its_purpose(store: Store) -> None:
    put(store, *(visit(number) for number in range(9)))
    token = store.page_by_time(ALL, "at", 5).next_page_token
    assert token is not None
    of_one = ALL.where(marked_since("at", START))
    asks: tuple[Callable[[], object], ...] = (
        lambda: store.page_by_time(ALL, "-at", 5, token),
        lambda: store.page_by_time(of_one, "at", 5, token),
        lambda: store.page(ALL.order("at"), 5, token),
        lambda: store.page_by_time(ALL, "at", 5, store.page(ALL.order("at"), 5).next_page_token),
        lambda: store.page_by_time(ALL, "at", 5, token[:-3]),
    )
    for ask in asks:
        with pytest.raises(Malformed, match="page token"):
            ask()


def test_a_page_takes_at_most_twice_as_many_queries_as_shards(
    store: Store, faults: FaultyConnection
) -> None:
    put(store, *(visit(number) for number in range(60)))
    faults.calls.clear()
    assert len(store.page_by_time(ALL, "-at", 10).items) == 10
    assert SHARDS <= faults.calls["RunQuery"] <= SHARDS + 2
    mine = [number for number in range(1000, 3000) if shard_of(f"v{number}") == 3][:100]
    put(store, *map(visit, mine))
    faults.calls.clear()
    page = store.page_by_time(ALL, "-at", 50)
    assert [each.number for each in page.items] == mine[:49:-1]
    assert SHARDS < faults.calls["RunQuery"] < 2 * SHARDS


def test_more_shards_find_what_fewer_have_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, *(visit(number) for number in range(20)))
    token = store.page_by_time(ALL, "-at", 8).next_page_token
    for module in (time_marks, time_order):
        monkeypatch.setattr(module, "SHARDS", 2 * SHARDS)
    put(store, *(visit(number) for number in range(20, 30)))
    assert numbers(read(store, "-at", 8)) == list(reversed(range(30)))
    rest = store.page_by_time(ALL, "-at", 50, token)
    assert [each.number for each in rest.items] == list(reversed(range(12)))


def test_an_unreadable_entity_is_named_once_and_skipped(store: Store) -> None:
    put(store, *(visit(number) for number in range(20)))
    for number in (3, 4, 19):
        spoilt = visit(number)
        store.upsert(NewerVisit(id=spoilt.id, at=spoilt.at))
    pages = list(read(store, "-at", 2))
    assert numbers(iter(pages)) == [n for n in reversed(range(20)) if n not in (3, 4, 19)]
    named = [each.key for page in pages for each in page.unreadable]
    assert named == ["Visit('v19')", "Visit('v4')", "Visit('v3')"]


def test_entities_without_a_mark_are_left_out(store: Store) -> None:
    put(store, visit(1), replace(visit(2), at=""))
    assert numbers(read(store, "at", 5)) == [1]


@pytest.mark.deviation("classic", "it has no aggregations")
def test_marks_since_a_time_are_counted_over_all_shards(store: Store) -> None:
    put(store, *(visit(number) for number in range(50)))
    recent = ALL.where(marked_since("at", START + timedelta(seconds=20)))
    assert store.count(recent) == 30


@pytest.mark.parametrize("query", [ALL.order("at"), ALL.keys_only(), ALL.project("at")])
def test_a_query_with_an_order_or_without_entities_is_refused(
    store: Store, query: Query[Visit]
) -> None:
    with pytest.raises(Invalid, match="whole entities and no other order"):
        store.page_by_time(query, "at", 5)
