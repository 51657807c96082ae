"""Running queries: results, pages by cursor, counts."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lib.datastore import queries
from lib.datastore.codecs import Codecs
from lib.datastore.conditions import OPERATORS, Combination, Condition
from lib.datastore.keys import Key, read_key, write_key, write_partition
from lib.datastore.messages import enum_number, message
from lib.datastore.queries import Query
from lib.datastore.scopes import PRESENT, Scope
from lib.datastore.service import Service
from lib.errors import Invalid, Malformed

T = TypeVar("T")

_HASH_BYTES = 12


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some results, and the token of the next page: None on the last one."""

    items: list[T]
    next_page_token: str | None


def run(
    service: Service, codecs: Codecs, query: Query[T], limit: int, scope: Scope = PRESENT
) -> list[T]:
    """Return the first `limit` results."""
    pb = write_query(codecs, query)
    results = _fetch(service, codecs, pb, _checked_size(limit, "limit"), scope)
    return [_read(codecs, query, result) for result in results]


def fetch_page(
    service: Service,
    codecs: Codecs,
    query: Query[T],
    size: int,
    token: str | None,
    scope: Scope = PRESENT,
) -> Page[T]:
    """Return the `size` results after the token; raise Malformed for the token of another query.

    One more result is asked for, to know whether there is a next page; its own cursor is never
    used: the next page starts right after the last result that this one holds.
    """
    pb = write_query(codecs, query)
    digest = _digest(codecs, pb)
    if token is not None:
        pb.start_cursor = _open_token(token, digest)
    results = _fetch(service, codecs, pb, _checked_size(size, "page_size") + 1, scope)
    items = [_read(codecs, query, result) for result in results[:size]]
    has_more = len(results) > size
    return Page(items, _make_token(results[size - 1].cursor, digest) if has_more else None)


def count(
    service: Service,
    codecs: Codecs,
    query: Query[Any],
    up_to: int | None,
    scope: Scope = PRESENT,
) -> int:
    """Count the results, stopping at `up_to`, without reading them."""
    request = service.request("RunAggregationQuery")
    write_partition(codecs.partition, None, request.partition_id)
    scope.mark(request)
    request.aggregation_query.nested_query.CopyFrom(write_query(codecs, query))
    aggregation = request.aggregation_query.aggregations.add(alias="count")
    aggregation.count.SetInParent()
    if up_to is not None:
        aggregation.count.up_to.value = _checked_size(up_to, "up_to")
    response = service.call("RunAggregationQuery", request, codes=scope.codes)
    result = response.batch.aggregation_results[0]
    return int(result.aggregate_properties["count"].integer_value)


def write_query(codecs: Codecs, query: Query[Any]) -> Any:
    """Write a query as a v1 message, without cursor and limit."""
    model = query.model
    pb = message("Query")()
    pb.kind.add(name=codecs.of(model).model.kind)
    conditions: list[Any] = list(query.conditions)
    if query.ancestor_key is not None:
        conditions.insert(0, query.ancestor_key)
    if len(conditions) == 1:
        _write_condition(codecs, model, conditions[0], pb.filter)
    elif conditions:
        _write_all(codecs, model, "AND", conditions, pb.filter)
    for name, descending in query.orders:
        order = pb.order.add()
        order.property.name = queries.stored_name(model, name)
        direction = "DESCENDING" if descending else "ASCENDING"
        order.direction = enum_number("PropertyOrder.Direction", direction)
    projected = (queries.KEY,) if query.only_keys else query.projected
    for name in projected:
        pb.projection.add().property.name = queries.stored_name(model, name)
    for name in query.distinct_on:
        pb.distinct_on.add().name = queries.stored_name(model, name)
    return pb


def _write_all(codecs: Codecs, model: type[Any], operator: str, conditions: Any, into: Any) -> None:
    into.composite_filter.op = enum_number("CompositeFilter.Operator", operator)
    for condition in conditions:
        _write_condition(codecs, model, condition, into.composite_filter.filters.add())


def _write_condition(
    codecs: Codecs, model: type[Any], condition: Condition | Key[Any], into: Any
) -> None:
    if isinstance(condition, Combination):
        return _write_all(codecs, model, condition.operator, condition.conditions, into)
    comparison = into.property_filter
    if isinstance(condition, Key):
        comparison.property.name = queries.KEY
        comparison.op = enum_number("PropertyFilter.Operator", "HAS_ANCESTOR")
        write_key(condition, codecs.partition, comparison.value.key_value)
        return None
    comparison.property.name = queries.stored_name(model, condition[0])
    comparison.op = enum_number("PropertyFilter.Operator", OPERATORS[condition[1]])
    queries.write_operand(codecs.compiler, model, condition, comparison.value)
    return None


def _fetch(service: Service, codecs: Codecs, pb: Any, limit: int, scope: Scope) -> list[Any]:
    """Return up to `limit` EntityResults, over as many batches as the service makes of them."""
    not_finished = enum_number("QueryResultBatch.MoreResultsType", "NOT_FINISHED")
    results: list[Any] = []
    while True:
        request = service.request("RunQuery")
        write_partition(codecs.partition, None, request.partition_id)
        scope.mark(request)
        request.query.CopyFrom(pb)
        request.query.limit.value = limit - len(results)
        response = service.call("RunQuery", request, codes=scope.codes)
        batch = response.batch
        results.extend(batch.entity_results)
        if batch.more_results != not_finished or len(results) >= limit:
            return results
        pb.start_cursor = batch.end_cursor


def _read(codecs: Codecs, query: Query[Any], result: Any) -> Any:
    if query.only_keys:
        return read_key(result.entity.key, codecs.partition, query.model)
    return codecs.of(query.model).read(result)


def _checked_size(size: int, field: str) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size < 2**31 - 1:
        raise Invalid(f"{field} must be a positive int", field=field)
    return size


def _digest(codecs: Codecs, pb: Any) -> bytes:
    """Return what a page token is bound to: the query and the partition it runs in."""
    text = repr(codecs.partition).encode() + pb.SerializeToString(deterministic=True)
    return hashlib.blake2b(text, digest_size=_HASH_BYTES).digest()


def _make_token(cursor: bytes, digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest + cursor).decode().rstrip("=")


def _open_token(token: str, digest: bytes) -> bytes:
    try:
        raw = base64.urlsafe_b64decode((token + "=" * (-len(token) % 4)).encode("ascii"))
    except (binascii.Error, ValueError):
        raise Malformed("not a page token", field="page_token") from None
    if raw[:_HASH_BYTES] != digest or len(raw) == _HASH_BYTES:
        raise Malformed("a page token of another query", field="page_token")
    return raw[_HASH_BYTES:]
