"""Google's NDB works with the local Datastore."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import ndb  # type: ignore[attr-defined]

BOOKS = (("a", "Lem", 1961), ("b", "Lem", 1968), ("c", "Lem", 1971), ("d", "Le Guin", 1969))


class Note(ndb.Model):  # type: ignore[misc]
    text = ndb.TextProperty()
    whole = ndb.IntegerProperty()
    real = ndb.FloatProperty()
    tags = ndb.StringProperty(repeated=True)
    data = ndb.JsonProperty()
    when = ndb.DateTimeProperty(tzinfo=UTC)
    link = ndb.KeyProperty()


class Book(ndb.Model):  # type: ignore[misc]
    author = ndb.StringProperty()
    year = ndb.IntegerProperty()


class Counter(ndb.Model):  # type: ignore[misc]
    n = ndb.IntegerProperty(default=0)


@pytest.fixture(scope="module")
def client(emulator_host: str) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATASTORE_EMULATOR_HOST", emulator_host)
        yield ndb.Client(project="ndb-client")


@pytest.fixture(autouse=True)
def context(client: Any) -> Iterator[Any]:
    """A context without a cache, so that reads come from the server."""
    with client.context(cache_policy=False) as opened:
        yield opened


@pytest.fixture
def books() -> Any:
    """The query of the books by one author, the latest first."""
    ndb.put_multi([Book(id=name, author=author, year=year) for name, author, year in BOOKS])
    return Book.query(Book.author == "Lem").order(-Book.year)


def test_a_stored_entity_is_read_back() -> None:
    note = Note(
        id=7,
        parent=ndb.Key("Shelf", "s1"),
        text="żółć",
        whole=42,
        real=2.5,
        tags=["a", "b"],
        data={"deep": [1]},
        when=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        link=ndb.Key("Book", "a"),
    )
    key = note.put()
    assert key.get() == note
    assert ndb.Key("Note", "nowhere").get() is None


def test_a_query_filters_and_orders(books: Any) -> None:
    assert [book.year for book in books] == [1971, 1968, 1961]


def test_a_query_supports_in_not_in_and_or(books: Any) -> None:
    assert {book.year for book in Book.query(Book.year.IN([1961, 1969]))} == {1961, 1969}
    either = Book.query(ndb.OR(Book.author == "Le Guin", Book.year == 1968))
    assert {book.year for book in either} == {1969, 1968}
    assert [book.year for book in Book.query(Book.year != 1968).order(Book.year)] == [
        *(1961, 1969, 1971)
    ]


def test_pages_continue_at_the_cursor(books: Any) -> None:
    first, cursor, more = books.fetch_page(2)
    assert ([book.year for book in first], more) == ([1971, 1968], True)
    rest, _, more = books.fetch_page(2, start_cursor=cursor)
    assert ([book.year for book in rest], more) == ([1961], False)


def test_pages_can_go_backward_from_the_cursor(books: Any) -> None:
    """As in Google's documentation of cursors, the reversed query begins at the cursor."""
    _, cursor, _ = books.fetch_page(2)
    backward = Book.query(Book.author == "Lem").order(Book.year)
    page, _, more = backward.fetch_page(2, start_cursor=cursor)
    assert ([book.year for book in page], more) == ([1968, 1971], False)


def test_a_query_counts(books: Any) -> None:
    assert books.count() == 3


def test_ids_are_allocated() -> None:
    keys = Counter.allocate_ids(3)
    assert len({key.id() for key in keys} | {Counter().put().id()}) == 4


def add_in_two_threads(client: Any, key: Any, retries: int) -> tuple[list[int], list[Any]]:
    """Count a counter up in two transactions that both read before either writes.

    Returns what each attempt read, and the errors that the transactions ended with.
    """
    read: list[int] = []
    both_have_read = threading.Barrier(2)

    def add() -> None:
        counter = key.get()
        read.append(counter.n)
        if counter.n == 0:
            both_have_read.wait(20)
        counter.n += 1
        counter.put()

    def run() -> None:
        with client.context(cache_policy=False):
            ndb.transaction(add, retries=retries)

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(run) for _ in range(2)]
    return read, [type(end.exception()) for end in ends if end.exception()]


def test_one_of_two_conflicting_transactions_is_retried(client: Any) -> None:
    key = Counter(id="one").put()
    assert add_in_two_threads(client, key, retries=3) == ([0, 0, 1], [])
    assert key.get().n == 2


def test_a_conflict_that_is_not_retried_is_aborted(client: Any) -> None:
    key = Counter(id="two").put()
    assert add_in_two_threads(client, key, retries=0) == ([0, 0], [exceptions.Aborted])
    assert key.get().n == 1
