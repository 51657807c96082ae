"""Google's own Python client works with the local Datastore."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import datastore
from google.cloud.datastore.query import PropertyFilter

BOOKS = (("a", "Lem", 1961), ("b", "Lem", 1968), ("c", "Lem", 1971), ("d", "Le Guin", 1969))


@pytest.fixture(scope="module", params=["grpc", "rest"])
def client(emulator_host: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATASTORE_EMULATOR_HOST", emulator_host)
        made = datastore.Client(project=f"stock-{request.param}", _use_grpc=request.param == "grpc")
        yield made
        made.close()


@pytest.fixture(scope="module")
def books(client: Any) -> Any:
    """The query of the books by one author, the latest first."""
    for name, author, year in BOOKS:
        book = datastore.Entity(client.key("Book", name))
        book.update(author=author, year=year)
        client.put(book)
    query = client.query(kind="Book", order=["-year"])
    query.add_filter(filter=PropertyFilter("author", "=", "Lem"))
    return query


def test_a_stored_entity_is_read_back(client: Any) -> None:
    key = client.key("Shelf", "s1", "Thing", 7)
    thing = datastore.Entity(key, exclude_from_indexes=("text",))
    thing.update(
        text="żółć",
        whole=42,
        real=2.5,
        none=None,
        list=[1, "two"],
        nested={"deep": 1},
        when=datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        bytes=b"\x00\xff",
        link=key,
    )
    client.put(thing)
    got = client.get(key)
    assert dict(got) == dict(thing)
    assert got.exclude_from_indexes == {"text"}
    assert client.get(client.key("Thing", "nowhere")) is None


def test_a_query_filters_and_orders(books: Any) -> None:
    assert [book["year"] for book in books.fetch()] == [1971, 1968, 1961]


def test_pages_continue_at_the_cursor(books: Any) -> None:
    first = books.fetch(limit=2)
    assert [book["year"] for book in first] == [1971, 1968]
    rest = books.fetch(limit=2, start_cursor=first.next_page_token)
    assert [book["year"] for book in rest] == [1961]


def test_an_aggregation_counts_and_sums(client: Any, books: Any) -> None:
    aggregation = client.aggregation_query(books).count(alias="total").sum("year", alias="years")
    (results,) = aggregation.fetch()
    assert {result.alias: result.value for result in results} == {"total": 3, "years": 5900}


def test_ids_are_allocated(client: Any) -> None:
    keys = client.allocate_ids(client.key("Ticket"), 3)
    ticket = datastore.Entity(client.key("Ticket"))
    client.put(ticket)
    assert len({key.id for key in keys} | {ticket.key.id}) == 4


def test_one_of_two_conflicting_transactions_is_aborted(client: Any) -> None:
    key = client.key("Counter", "one")
    client.put(datastore.Entity(key))
    both = [client.transaction(), client.transaction()]
    for transaction in both:
        transaction.begin()
        counter = client.get(key, transaction=transaction)
        counter["n"] = counter.get("n", 0) + 1
        transaction.put(counter)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(transaction.commit) for transaction in both]
    refused = [end.exception() for end in ends if end.exception()]
    assert len(refused) == 1
    # Over HTTP, the client knows only the status of Aborted.
    assert isinstance(refused[0], exceptions.Conflict)
    assert client.get(key)["n"] == 1


def test_a_transaction_that_fails_leaves_nothing(client: Any) -> None:
    key = client.key("Counter", "left")
    with pytest.raises(ZeroDivisionError):
        put_and_fail(client, key)
    assert client.get(key) is None


def put_and_fail(client: Any, key: Any) -> None:
    with client.transaction() as transaction:
        transaction.put(datastore.Entity(key))
        raise ZeroDivisionError


def test_a_query_without_its_index_is_refused_with_the_entry_to_add(client: Any) -> None:
    query = client.query(kind="Book", order=["author"])
    query.add_filter(filter=PropertyFilter("year", "=", 1961))
    with pytest.raises(exceptions.BadRequest, match="kind: Book"):
        list(query.fetch())
