"""Short forms of Datastore requests for contract cases, over a plain gRPC channel."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import grpc

from local.datastore.encoding.messages import get_message_class

PROJECT = "x"
Path = tuple[str | int, ...]

OPERATORS = {
    "=": "EQUAL",
    "<": "LESS_THAN",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    ">=": "GREATER_THAN_OR_EQUAL",
    "!=": "NOT_EQUAL",
    "in": "IN",
    "not in": "NOT_IN",
    "has ancestor": "HAS_ANCESTOR",
}


class Unindexed:
    """A value that is excluded from indexes."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Unindexed({self.value!r})"


class Wire:
    """One namespace of one Datastore. Paths are tuples: ("Kind", id or name, ...)."""

    def __init__(self, host: str, namespace: str) -> None:
        self.namespace = namespace
        self._channel = grpc.insecure_channel(host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def call(self, method: str, request: Any = None, /, **fields: Any) -> Any:
        """Send one request; grpc.RpcError carries the refusal."""
        message = request or get_message_class(f"{method}Request")(**fields)
        message.project_id = message.project_id or PROJECT
        send = self._channel.unary_unary(
            f"/google.datastore.v1.Datastore/{method}",
            request_serializer=get_message_class(f"{method}Request").SerializeToString,
            response_deserializer=get_message_class(f"{method}Response").FromString,
        )
        return send(message, timeout=70)

    def key(self, *path: str | int) -> Any:
        """Return a key; without a last id or name it is incomplete."""
        key = get_message_class("Key")()
        key.partition_id.project_id = PROJECT
        key.partition_id.namespace_id = self.namespace
        for kind, identity in zip(path[::2], [*path[1::2], None], strict=False):
            element = key.path.add(kind=kind)
            if isinstance(identity, int):
                element.id = identity
            elif identity is not None:
                element.name = identity
        return key

    def value(self, value: Any) -> Any:
        """Return the value message of a Python value; a tuple is the path of a key."""
        message = get_message_class("Value")()
        if isinstance(value, Unindexed):
            message = self.value(value.value)
            message.exclude_from_indexes = True
        elif value is None:
            message.null_value = 0
        elif isinstance(value, bool):
            message.boolean_value = value
        elif isinstance(value, int | float | str | bytes):
            field = {int: "integer", float: "double", str: "string", bytes: "blob"}[type(value)]
            setattr(message, f"{field}_value", value)
        else:
            self._fill_composite(message, value)
        return message

    def _fill_composite(self, message: Any, value: Any) -> None:
        if isinstance(value, datetime):
            message.timestamp_value.FromDatetime(value)
        elif isinstance(value, tuple):
            message.key_value.CopyFrom(self.key(*value))
        elif isinstance(value, list):
            message.array_value.SetInParent()
            message.array_value.values.extend(self.value(one) for one in value)
        elif isinstance(value, dict):
            message.entity_value.SetInParent()
            for name, one in value.items():
                message.entity_value.properties[name].CopyFrom(self.value(one))
        else:
            message.CopyFrom(value)

    def entity(self, path: Iterable[str | int], **properties: Any) -> Any:
        """Return an entity message."""
        entity = get_message_class("Entity")(key=self.key(*path))
        for name, value in properties.items():
            entity.properties[name].CopyFrom(self.value(value))
        return entity

    def mutation(self, operation: str, path: Iterable[str | int], **properties: Any) -> Any:
        """Return a mutation: insert, update, upsert or delete."""
        mutation = get_message_class("Mutation")()
        target = self.key(*path) if operation == "delete" else self.entity(path, **properties)
        getattr(mutation, operation).CopyFrom(target)
        return mutation

    def commit(self, *mutations: Any, transaction: bytes = b"", single_use: bool = False) -> Any:
        """Commit mutations: in a transaction, in one of their own, or without."""
        request = get_message_class("CommitRequest")(mutations=mutations)
        request.mode = request.NON_TRANSACTIONAL
        if transaction:
            request.transaction = transaction
            request.mode = request.TRANSACTIONAL
        elif single_use:
            request.single_use_transaction.read_write.SetInParent()
            request.mode = request.TRANSACTIONAL
        return self.call("Commit", request)

    def put(self, *path: str | int, **properties: Any) -> Any:
        """Upsert one entity without a transaction; return its mutation result."""
        return self.commit(self.mutation("upsert", path, **properties)).mutation_results[0]

    def put_all(self, entities: Mapping[str, Mapping[str, Any]], kind: str = "K") -> None:
        """Upsert entities of one kind by their names."""
        self.commit(
            *(self.mutation("upsert", (kind, name), **given) for name, given in entities.items())
        )

    def look_up(self, *paths: Path, transaction: bytes = b"") -> Any:
        """Look up keys."""
        request = get_message_class("LookupRequest")(keys=[self.key(*path) for path in paths])
        if transaction:
            request.read_options.transaction = transaction
        return self.call("Lookup", request)

    def get(self, *path: str | int, transaction: bytes = b"") -> dict[str, Any] | None:
        """Return one entity's properties as Python values, or None."""
        found = self.look_up(path, transaction=transaction).found
        return read_properties(found[0].entity) if found else None

    def begin(self, *, read_only: bool = False) -> bytes:
        """Begin a transaction; return its id."""
        request = get_message_class("BeginTransactionRequest")()
        if read_only:
            request.transaction_options.read_only.SetInParent()
        return bytes(self.call("BeginTransaction", request).transaction)

    def filter(self, *parts: Any) -> Any:
        """Return the conjunction of filters, each a message or (property, operator, value)."""
        return self._combine("AND", parts)

    def either(self, *parts: Any) -> Any:
        """Return the disjunction of filters."""
        return self._combine("OR", parts)

    def _combine(self, operator: str, parts: Iterable[Any]) -> Any:
        combined = get_message_class("Filter")()
        composite = combined.composite_filter
        composite.op = composite.Operator.Value(operator)
        for part in parts:
            composite.filters.append(self._filter_one(*part) if isinstance(part, tuple) else part)
        return combined

    def _filter_one(self, name: str, operator: str, value: Any) -> Any:
        one = get_message_class("Filter")()
        one.property_filter.property.name = name
        one.property_filter.op = one.property_filter.Operator.Value(OPERATORS[operator])
        one.property_filter.value.CopyFrom(self.value(value))
        return one

    def query(
        self,
        kind: str | None = "K",
        *where: Any,
        order: Iterable[str] = (),
        project: Iterable[str] = (),
        distinct: Iterable[str] = (),
        **fields: Any,
    ) -> Any:
        """Return a query message; an order that begins with - descends."""
        query = get_message_class("Query")(**fields)
        if kind is not None:
            query.kind.add(name=kind)
        if where:
            query.filter.CopyFrom(self.filter(*where))
        for name in order:
            direction = query.order.add(property={"name": name.removeprefix("-")})
            direction.direction = 2 if name.startswith("-") else 1
        for name in project:
            query.projection.add(property={"name": name})
        for name in distinct:
            query.distinct_on.add(name=name)
        return query

    def run(self, query: Any, transaction: bytes = b"") -> Any:
        """Run a query; return its batch."""
        request = get_message_class("RunQueryRequest")(query=query)
        request.partition_id.project_id = PROJECT
        request.partition_id.namespace_id = self.namespace
        if transaction:
            request.read_options.transaction = transaction
        return self.call("RunQuery", request).batch

    def names(self, kind: str | None = "K", *where: Any, **fields: Any) -> list[str | int]:
        """Return the names or ids of a query's results, in order."""
        return list_names(self.run(self.query(kind, *where, **fields)))

    def aggregate(self, query: Any, *aggregations: Any) -> dict[str, Any]:
        """Run an aggregation query; return its values by their aliases."""
        request = get_message_class("RunAggregationQueryRequest")()
        request.partition_id.project_id = PROJECT
        request.partition_id.namespace_id = self.namespace
        request.aggregation_query.nested_query.CopyFrom(query)
        for one in aggregations:
            request.aggregation_query.aggregations.add(**one)
        batch = self.call("RunAggregationQuery", request).batch
        values = batch.aggregation_results[0].aggregate_properties
        return {alias: read_value(value) for alias, value in values.items()}


def list_names(batch: Any) -> list[str | int]:
    """Return the names or ids of a batch's results, in order."""
    last = [result.entity.key.path[-1] for result in batch.entity_results]
    return [element.name or element.id for element in last]


def read_properties(entity: Any) -> dict[str, Any]:
    """Return an entity's properties as Python values."""
    return {name: read_value(value) for name, value in entity.properties.items()}


def read_value(value: Any) -> Any:
    """Return a value as a Python value; a timestamp becomes a datetime without a time zone."""
    which = value.WhichOneof("value_type")
    if which == "null_value":
        return None
    if which == "array_value":
        return [read_value(one) for one in value.array_value.values]
    if which == "entity_value":
        return read_properties(value.entity_value)
    if which == "timestamp_value":
        return value.timestamp_value.ToDatetime()
    return getattr(value, which)


def refuses(code: grpc.StatusCode, reason: str = "") -> Any:
    """Return a context that passes if the request inside is refused with this status.

    ``reason`` is a pattern that the details must have.
    """
    return _Refusal(code, reason)


class _Refusal:
    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        self._code = code
        self._reason = reason
        self.details = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, grpc.RpcError):
            if error is None:
                raise AssertionError(f"not refused with {self._code}")
            return False
        self.details = str(error.details())
        if error.code() != self._code:
            raise AssertionError(f"{error.code()}, not {self._code}: {self.details}")
        if not re.search(self._reason, self.details):
            raise AssertionError(f"refused, but not for {self._reason}: {self.details}")
        return True
