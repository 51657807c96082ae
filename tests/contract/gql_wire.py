"""GQL texts over the wire, and a Datastore's reading of them in a comparable form."""

from typing import Any

import grpc

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Wire, read_value

#: What is bound in every case, and a cursor as ``c`` beside it.
NAMED: dict[str, Any] = {
    "n": 2,
    "s": "x",
    "neg": -1,
    "dbl": 1.5,
    "big": 2**31,
    "nul": None,
    "flag": True,
    "list": [1, 2],
    "entity": {"x": 1},
    "key": ("K", "a"),
    "select": 3,
    "a$b": 4,
    "é": 5,
}
POSITIONAL = (5, "y", 7)
REFUSED = "refused"
#: What the aggregations of the table are over.
TASKS: dict[str, dict[str, Any]] = {
    "a": {"h": 1, "p": 1},
    "b": {"h": 2, "p": 0},
    "c": {"h": 4, "p": 1},
    "d": {"h": 8, "p": 0, "Task": {"h": 100}},
}


def fill_gql(gql: Any, wire: Wire, text: str, *, literals: bool, cursor: bytes) -> None:
    """Write a text into a GqlQuery, with what it may bind; positional ones as it needs them."""
    gql.query_string, gql.allow_literals = text, literals
    for name, value in NAMED.items():
        gql.named_bindings[name].value.CopyFrom(wire.value(value))
    gql.named_bindings["c"].cursor = cursor
    for number, value in enumerate(POSITIONAL, 1):
        if f"@{number}" in text:
            gql.positional_bindings.add().value.CopyFrom(wire.value(value))


def run_text(wire: Wire, text: str, *, literals: bool = True, cursor: bytes = b"") -> Any:
    """Run a query; return the response. grpc.RpcError carries the refusal."""
    request = get_message_class("RunQueryRequest")()
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    fill_gql(request.gql_query, wire, text, literals=literals, cursor=cursor)
    return wire.call("RunQuery", request)


def judge(wire: Wire, text: str, *, literals: bool = True, cursor: bytes = b"") -> str:
    """Return a Datastore's reading of a text in a short form, or its refusal."""
    try:
        response = run_text(wire, text, literals=literals, cursor=cursor)
    except grpc.RpcError as error:
        return describe_refusal(error)
    return describe(response.query, wire)


def judge_aggregation(wire: Wire, text: str) -> str:
    """Return the results of an aggregation in a short form, or the refusal."""
    request = get_message_class("RunAggregationQueryRequest")()
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    fill_gql(request.gql_query, wire, text, literals=True, cursor=b"")
    try:
        batch = wire.call("RunAggregationQuery", request).batch
    except grpc.RpcError as error:
        return describe_refusal(error)
    values = batch.aggregation_results[0].aggregate_properties
    return ", ".join(f"{name}={read_value(values[name])}" for name in sorted(values))


def describe_refusal(error: grpc.RpcError) -> str:
    """Return ``refused`` for INVALID_ARGUMENT, and any other status by its name."""
    name = str(error.code().name)
    return REFUSED if name == "INVALID_ARGUMENT" else name


def describe(query: Any, wire: Wire) -> str:
    """Return what a query message asks for."""
    parts = []
    if query.projection:
        parts.append("select " + ", ".join(one.property.name for one in query.projection))
    if query.distinct_on:
        parts.append("distinct " + ", ".join(one.name for one in query.distinct_on))
    parts += [f"from {one.name}" for one in query.kind]
    if query.HasField("filter"):
        parts.append("where " + _describe_filter(query.filter, wire))
    if query.order:
        names = [
            ("-" if one.direction == one.DESCENDING else "+") + one.property.name
            for one in query.order
        ]
        parts.append("order " + ", ".join(names))
    parts += ["start"] * bool(query.start_cursor) + ["end"] * bool(query.end_cursor)
    if query.offset:
        parts.append(f"offset {query.offset}")
    if query.HasField("limit"):
        parts.append(f"limit {query.limit.value}")
    return "; ".join(parts)


def _describe_filter(filter_: Any, wire: Wire) -> str:
    if filter_.HasField("composite_filter"):
        composite = filter_.composite_filter
        inner = ", ".join(_describe_filter(one, wire) for one in composite.filters)
        return f"{composite.Operator.Name(composite.op)}({inner})"
    one = filter_.property_filter
    # The classic emulator has an operator that is not in the published messages.
    known = one.op in one.Operator.values()
    operator = one.Operator.Name(one.op) if known else str(one.op)
    return f"{one.property.name} {operator} {_describe_value(one.value, wire)}"


def _describe_value(value: Any, wire: Wire) -> str:
    which = value.WhichOneof("value_type")
    if which == "key_value":
        return _describe_key(value.key_value, wire)
    if which == "timestamp_value":
        return f"@{value.timestamp_value.seconds}+{value.timestamp_value.nanos}"
    if which == "array_value":
        return f"[{', '.join(_describe_value(one, wire) for one in value.array_value.values)}]"
    return repr(read_value(value))


def _describe_key(key: Any, wire: Wire) -> str:
    path = ", ".join(f"{one.kind} {one.name or one.id!r}" for one in key.path)
    given = key.partition_id
    if given == wire.key("K").partition_id:
        return f"key({path})"
    namespace = "own" if given.namespace_id == wire.namespace else given.namespace_id
    return f"key({given.project_id}/{given.database_id}/{namespace}: {path})"
