"""Queries in the order of a time mark: one query per shard, merged."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import ceil, sqrt
from typing import Any, TypeVar

from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read import page_tokens, queries
from lib.datastore.read.conditions import Combination, all_of, any_of
from lib.datastore.read.queries import Query
from lib.datastore.read.query_message import write_query
from lib.datastore.read.results import Page, check_count, fetch, read_all
from lib.datastore.rpc.service import Service
from lib.errors import Invalid, Malformed
from lib.timing.time_marks import SHARDS, order_of, range_of, since

T = TypeVar("T")

#: Binds a token to queries in time order.
_PURPOSE = b"time order"


def marked_since(field: str, at: datetime) -> Combination:
    """Return the condition that a time mark is at this time or later."""
    ranges = [range_of(shard, start=since(at)) for shard in range(SHARDS)]
    return any_of(*(all_of((field, ">", low), (field, "<", high)) for low, high in ranges))


def fetch_page_by_time(
    service: Service, codecs: Codecs, query: Query[T], order: str, size: int, token: str | None
) -> Page[T]:
    """Return the `size` results after the token, in the order of a time mark.

    `order` is the mark's field, with a minus sign in front for the latest first. Each shard is read
    in batches: a page takes SHARDS queries, and always less than twice as many. Raises Malformed
    for a token of another query.
    """
    check_count(size, "page_size")
    check_plain(query)
    ordered = query.order(order)
    digest = page_tokens.digest_of(codecs.partition, write_query(codecs, ordered)) + _PURPOSE
    after = None if token is None else _open(token, digest)
    reader = _ShardReader(service, codecs, query, order, batch=_batch_of(size + 1))
    try:
        results = list(islice(reader.merge(after), size + 1))
    except Invalid as refused:
        if token is None:
            raise
        raise Malformed("not a page token", field="page_token") from refused
    items = read_all(codecs, query, results[:size])
    if len(results) <= size:
        return Page(items, None, items.unreadable)
    last = reader.place_of(results[size - 1])
    return Page(items, page_tokens.make_token(last.encode(), digest), items.unreadable)


def check_plain(query: Query[Any]) -> None:
    """Raise Invalid for a query that already has an order, or that does not read whole entities."""
    if query.orders or query.only_keys or query.projected:
        raise Invalid("a page in time order needs whole entities and no other order", field="query")


def _open(token: str, digest: bytes) -> str:
    try:
        return page_tokens.open_token(token, digest).decode()
    except UnicodeDecodeError:
        raise Malformed("not a page token", field="page_token") from None


def _batch_of(wanted: int) -> int:
    """Return how many results to read from each shard, so that a second query is rarely needed."""
    mean = wanted / SHARDS
    return min(wanted, ceil(mean + 2 * sqrt(mean)) + 1)


@dataclass(frozen=True, slots=True)
class _ShardReader:
    """Reads a query's EntityResults in each shard."""

    service: Service
    codecs: Codecs
    query: Query[Any]
    order: str
    batch: int

    @property
    def field(self) -> str:
        """The field of the mark."""
        return self.order.removeprefix("-")

    def place_of(self, result: Any) -> str:
        """Return a result's position in time order."""
        stored = queries.find(self.query.model, self.field).stored
        return order_of(result.entity.properties[stored].string_value)

    def merge(self, after: str | None) -> Iterator[Any]:
        """Yield the results of all shards in time order, after a position or from the start."""
        shards = [self._read(shard, after) for shard in range(SHARDS)]
        return heapq.merge(*shards, key=self.place_of, reverse=self.order.startswith("-"))

    def _read(self, shard: int, after: str | None) -> Iterator[Any]:
        while True:
            results = self._fetch(shard, after)
            yield from results
            if len(results) < self.batch:
                return
            after = self.place_of(results[-1])

    def _fetch(self, shard: int, after: str | None) -> list[Any]:
        latest_first = self.order.startswith("-")
        start, end = ("", after) if latest_first else (after or "", None)
        low, high = range_of(shard, start=start, end=end)
        query = self.query.where(self.field, ">", low).where(self.field, "<", high)
        pb = write_query(self.codecs, query.order(self.order))
        return fetch(self.service, self.codecs, pb, self.batch)
