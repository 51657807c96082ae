"""Runs queries for entities, keys or rows: all at once up to a limit, or page by page.

An unreadable entity does not hide the others: it is left out of the result, named in `unreadable`,
and logged. In a transaction it is an error, because a transaction's writes must not depend on an
incomplete result.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lib import errors
from lib.datastore.keys import read_key, write_partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.mapping.conversion import ConversionError
from lib.datastore.read import page_tokens, queries
from lib.datastore.read.queries import Query
from lib.datastore.read.query_message import write_query
from lib.datastore.read.read_options import STRONG, ReadOptions
from lib.datastore.read.unreadable import Results, UnreadableEntity
from lib.datastore.rpc.service import Service
from lib.datastore.v1.messages import enum_number

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some results, and the token of the next page: None on the last one.

    `unreadable` names the results of this page that do not fit their model and are not in `items`.
    """

    items: list[T]
    next_page_token: str | None
    unreadable: tuple[UnreadableEntity, ...] = ()

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return self.next_page_token is not None


def run(
    service: Service, codecs: Codecs, query: Query[T], limit: int, options: ReadOptions = STRONG
) -> Results[T]:
    """Return the first `limit` results, without unreadable ones."""
    pb = write_query(codecs, query)
    results = fetch(service, codecs, pb, check_count(limit, "limit"), options)
    return read_all(codecs, query, results, options)


def fetch_page(
    service: Service,
    codecs: Codecs,
    query: Query[T],
    size: int,
    token: str | None,
    options: ReadOptions = STRONG,
) -> Page[T]:
    """Return the `size` results after the token; raise Malformed for another query's token.

    Requests one more result, to know whether there is a next page. That result's cursor is not
    used: the next page starts right after the last result of this one.
    """
    check_count(size, "page_size")
    pb = write_query(codecs, query)
    digest = page_tokens.digest_of(codecs.partition, pb)
    if token is None:
        results = fetch(service, codecs, pb, size + 1, options)
    else:
        pb.start_cursor = page_tokens.open_token(token, digest)
        results = _fetch_after(service, codecs, pb, size + 1, options)
    items = read_all(codecs, query, results[:size], options)
    if len(results) <= size:
        return Page(items, None, items.unreadable)
    cursor = results[size - 1].cursor
    if not cursor:
        raise errors.Invalid("the service has no cursors for this query", field="page_size")
    return Page(items, page_tokens.make_token(cursor, digest), items.unreadable)


def _fetch_after(
    service: Service, codecs: Codecs, pb: Any, limit: int, options: ReadOptions
) -> list[Any]:
    """Fetch from a caller's cursor; if the service refuses the call, raise Malformed."""
    try:
        return fetch(service, codecs, pb, limit, options)
    except errors.Invalid as refused:
        raise errors.Malformed("not a page token", field="page_token") from refused


def fetch(
    service: Service, codecs: Codecs, pb: Any, limit: int, options: ReadOptions = STRONG
) -> list[Any]:
    """Return up to `limit` EntityResults, in as many batches as the service sends."""
    not_finished = enum_number("QueryResultBatch.MoreResultsType", "NOT_FINISHED")
    results: list[Any] = []
    while True:
        request = service.request("RunQuery")
        write_partition(codecs.partition, None, request.partition_id)
        options.mark(request)
        request.query.CopyFrom(pb)
        request.query.limit.value = limit - len(results)
        batch = service.call("RunQuery", request, codes=options.codes).batch
        results.extend(batch.entity_results)
        if batch.more_results != not_finished or len(results) >= limit:
            return results
        pb.start_cursor = batch.end_cursor


def read_all(
    codecs: Codecs, query: Query[T], results: Iterable[Any], options: ReadOptions = STRONG
) -> Results[T]:
    """Read all readable results; in a transaction, raise Unreadable for the first other one."""
    read: list[T] = []
    unreadable: list[UnreadableEntity] = []
    for result in results:
        try:
            read.append(_read(codecs, query, result))
        except errors.Unreadable as problem:
            if options is not STRONG:
                raise
            unreadable.append(UnreadableEntity.of(problem))
    return Results(read, unreadable)


def _read(codecs: Codecs, query: Query[Any], result: Any) -> Any:
    if query.only_keys:
        return read_key(result.entity.key, codecs.partition, query.model)
    if query.projected:
        return _read_row(codecs, query, result.entity)
    return codecs.of(query.model).read(result)


def _read_row(codecs: Codecs, query: Query[Any], entity: Any) -> queries.Row:
    """Read a projection: ids from the key (unless distinct), and the projected fields."""
    row = {} if query.distinct_on else codecs.of(query.model).read_ids(entity.key.path)
    for name in query.projected:
        found = queries.find(query.model, name)
        if found.field is None:
            row[name] = read_key(entity.key, codecs.partition, query.model)
            continue
        try:
            decode = codecs.compiler.operand_codec(found.field).decode
            row[name] = decode(entity.properties[found.stored])
        except ConversionError as mismatch:
            codec = codecs.of(query.model)
            raise codec.unreadable(entity.key.path, mismatch.reason, name) from None
    return row


def check_count(count: int, field: str) -> int:
    """Return a limit or a page size; raise Invalid unless it is from 1 to 2**31 - 2."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 < count < 2**31 - 1:
        raise errors.Invalid(f"{field} must be a positive int", field=field)
    return count
