"""Requests that a client should not send: each must be refused in the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.datastore.encoding.messages import get_message_class
from tests.contract.differential.session import Session
from tests.contract.wire import Wire

Build = Callable[[Wire], tuple[str, Any]]


@dataclass(frozen=True)
class Improper:
    """A request of the table."""

    name: str

    def perform(self, session: Session) -> Any:
        """Send it."""
        method, request = REQUESTS[self.name](session.wire)
        session.wire.call(method, request)


def _look_up(*path: Any) -> Build:
    return lambda wire: ("Lookup", get_message_class("LookupRequest")(keys=[wire.key(*path)]))


def _query(change: Callable[[Wire, Any], object], **fields: Any) -> Build:
    def build(wire: Wire) -> tuple[str, Any]:
        request = get_message_class("RunQueryRequest")()
        request.partition_id.CopyFrom(wire.key("K").partition_id)
        request.query.CopyFrom(wire.query("K", **fields))
        change(wire, request.query)
        return "RunQuery", request

    return build


def _filter(name: str, operator: str, value: Any) -> Build:
    def change(wire: Wire, query: Any) -> None:
        query.filter.CopyFrom(wire.filter((name, operator, value)))

    return _query(change)


def _gql(text: str) -> Build:
    def build(wire: Wire) -> tuple[str, Any]:
        request = get_message_class("RunQueryRequest")()
        request.partition_id.CopyFrom(wire.key("K").partition_id)
        request.gql_query.query_string, request.gql_query.allow_literals = text, True
        return "RunQuery", request

    return build


def _write(verb: str, path: tuple[Any, ...], **properties: Any) -> Build:
    def build(wire: Wire) -> tuple[str, Any]:
        request = get_message_class("CommitRequest")()
        request.mode = request.NON_TRANSACTIONAL
        request.mutations.append(wire.mutation(verb, path, **properties))
        return "Commit", request

    return build


def _commit(mode: str, **fields: Any) -> Build:
    def build(wire: Wire) -> tuple[str, Any]:
        request = get_message_class("CommitRequest")(mode=mode)
        request.mutations.append(wire.mutation("upsert", ("K", "a"), s=1))
        request.MergeFrom(get_message_class("CommitRequest")(**fields))
        return "Commit", request

    return build


def _aggregate(*aggregations: dict[str, Any]) -> Build:
    def build(wire: Wire) -> tuple[str, Any]:
        request = get_message_class("RunAggregationQueryRequest")()
        request.partition_id.CopyFrom(wire.key("K").partition_id)
        request.aggregation_query.nested_query.CopyFrom(wire.query("K"))
        for one in aggregations:
            request.aggregation_query.aggregations.add(**one)
        return "RunAggregationQuery", request

    return build


def _nest(depth: int) -> Any:
    return {"in": _nest(depth - 1)} if depth else 1


REQUESTS: dict[str, Build] = {
    "a look-up of an incomplete key": _look_up("K"),
    "a look-up of id 0": _look_up("K", 0),
    "a look-up of an empty name": _look_up("K", ""),
    "a look-up of an empty kind": _look_up("", 1),
    "a look-up of no path": _look_up(),
    "a look-up below an incomplete key": lambda wire: (
        "Lookup",
        get_message_class("LookupRequest")(
            keys=[{"path": [{"kind": "K"}, {"kind": "K", "id": 1}]}]
        ),
    ),
    "a look-up in another project": lambda wire: (
        "Lookup",
        get_message_class("LookupRequest")(
            keys=[{"partition_id": {"project_id": "y"}, "path": [{"kind": "K", "id": 1}]}]
        ),
    ),
    "a look-up in an unknown transaction": lambda wire: (
        "Lookup",
        get_message_class("LookupRequest")(
            keys=[wire.key("K", 1)], read_options={"transaction": b"unknown"}
        ),
    ),
    "a reserved kind": _write("upsert", ("__k__", 1)),
    "a reserved name": _write("upsert", ("K", "__n__")),
    "a kind too long": _write("upsert", ("k" * 1501, 1)),
    "a name too long": _write("upsert", ("K", "n" * 1501)),
    "a path too long": _write("upsert", ("K", 1) * 101),
    "an empty property name": _write("upsert", ("K", 1), **{"": 1}),
    "a reserved property name": _write("upsert", ("K", 1), __p__=1),
    "an indexed string too long": _write("upsert", ("K", 1), p="x" * 1501),
    "indexed bytes too long": _write("upsert", ("K", 1), p=b"x" * 1501),
    "a list in a list": _write("upsert", ("K", 1), p=[[1]]),
    "nesting too deep": _write("upsert", ("K", 1), p=_nest(21)),
    "an update of an incomplete key": _write("update", ("K",)),
    "a deletion of an incomplete key": _write("delete", ("K",)),
    "a mutation without an operation": _commit("NON_TRANSACTIONAL", mutations=[{}]),
    "a broken mask": _commit(
        "NON_TRANSACTIONAL",
        mutations=[
            {
                "upsert": {"key": {"path": [{"kind": "K", "name": "b"}]}},
                "property_mask": {"paths": ["a..b"]},
            }
        ],
    ),
    "a transactional commit without a transaction": _commit("TRANSACTIONAL"),
    "a plain commit with a transaction": _commit(
        "NON_TRANSACTIONAL", single_use_transaction={"read_write": {}}
    ),
    "a commit in an unknown transaction": _commit("TRANSACTIONAL", transaction=b"unknown"),
    "an unknown rollback": lambda wire: (
        "Rollback",
        get_message_class("RollbackRequest")(transaction=b"unknown"),
    ),
    "two kinds": _query(lambda wire, query: query.kind.add(name="L")),
    "an empty kind in a query": _query(lambda wire, query: setattr(query.kind[0], "name", "")),
    "a negative offset": _query(lambda wire, query: setattr(query, "offset", -1)),
    "a negative limit": _query(lambda wire, query: setattr(query.limit, "value", -1)),
    "a broken start cursor": _query(lambda wire, query: setattr(query, "start_cursor", b"x")),
    "a broken end cursor": _query(lambda wire, query: setattr(query, "end_cursor", b"x")),
    "an order of nothing": _query(lambda wire, query: query.order.add()),
    "an order twice": _query(lambda wire, query: None, order=["p", "-p"]),
    "a projection twice": _query(lambda wire, query: None, project=["p", "p"]),
    "a projection of what is equated": _query(
        lambda wire, query: query.filter.CopyFrom(wire.filter(("p", "=", 1))), project=["p"]
    ),
    "an empty composite": _query(lambda wire, query: query.filter.CopyFrom(wire.filter())),
    "a filter on nothing": _filter("", "=", 1),
    "a filter with a list": _filter("p", "=", [1]),
    "a filter with an entity": _filter("p", "=", {"x": 1}),
    "a key compared with a number": _filter("__key__", "=", 1),
    "a key compared with an incomplete one": _filter("__key__", "=", ("K",)),
    "an ancestor that is no key": _filter("__key__", "has ancestor", 1),
    "an ancestor of a property": _filter("p", "has ancestor", ("K", 1)),
    "IN with a scalar": _filter("p", "in", 1),
    "IN with nothing": _filter("p", "in", []),
    "IN with 31 values": _filter("p", "in", list(range(31))),
    "NOT_IN with nothing": _filter("p", "not in", []),
    "NOT_IN with 11 values": _filter("p", "not in", list(range(11))),
    "no aggregation": _aggregate(),
    "six aggregations": _aggregate(*({"alias": f"a{n}", "count": {}} for n in range(6))),
    "an alias twice": _aggregate({"alias": "a", "count": {}}, {"alias": "a", "count": {}}),
    "an aggregation without operator": _aggregate({"alias": "a"}),
    "a sum of nothing": _aggregate({"sum": {}}),
    "a negative bound": _aggregate({"count": {"up_to": {"value": -1}}}),
    "GQL that is empty": _gql(""),
    "GQL without an end": _gql("SELECT * FROM K WHERE"),
    "GQL with an absent binding": _gql("SELECT * FROM K WHERE p = @absent"),
    "GQL with two limits": _gql("SELECT * FROM K LIMIT FIRST(2, 3)"),
    "GQL with an open string": _gql("SELECT * FROM K WHERE p = 'open"),
}
