"""What a write refuses is refused everywhere: keys, values, names and partitions."""

from collections.abc import Callable
from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Wire, refuses

INVALID = StatusCode.INVALID_ARGUMENT
Use = Callable[[Wire, Any], object]


def _filter(name: str, operator: str) -> Use:
    def use(wire: Wire, value: Any) -> object:
        several = "in" in operator.split()
        return wire.names("K", (name, operator, [value] if several else value))

    return use


def _embed(*nesting: str) -> Use:
    """Return a function that writes a value into a property, an array, an entity, or a mix."""

    def use(wire: Wire, value: Any) -> object:
        for one in nesting:
            value = [value] if one == "array" else {"in": value}
        return wire.put("K", "a", p=value)

    return use


def _embed_key(wire: Wire, value: Any) -> object:
    entity = wire.entity(("K", "a"), p={"in": 1})
    entity.properties["p"].entity_value.key.CopyFrom(value.key_value)
    return wire.commit(get_message_class("Mutation")(upsert=entity))


def _send(method: str) -> Use:
    def use(wire: Wire, value: Any) -> object:
        return wire.call(method, get_message_class(f"{method}Request")(keys=[value.key_value]))

    return use


def _mutate(verb: str) -> Use:
    def use(wire: Wire, value: Any) -> object:
        mutation = get_message_class("Mutation")()
        target = getattr(mutation, verb)
        (target if verb == "delete" else target.key).CopyFrom(value.key_value)
        return wire.commit(mutation)

    return use


#: The places for a value that is, or contains, a key.
WRITTEN: dict[str, Use] = {
    "a property": _embed(),
    "an array": _embed("array"),
    "an embedded entity": _embed("entity"),
    "an embedded entity in an array": _embed("entity", "array"),
}
COMPARED: dict[str, Use] = {
    "a filter": _filter("p", "="),
    "an inequality": _filter("p", ">"),
    "IN": _filter("p", "in"),
    "NOT_IN": _filter("p", "not in"),
}
KEYS_ONLY: dict[str, Use] = {
    "a filter by key": _filter("__key__", "="),
    "a range of keys": _filter("__key__", "<="),
    "an ancestor": _filter("__key__", "has ancestor"),
    "an embedded key": _embed_key,
    "a look-up": _send("Lookup"),
    "a reservation": _send("ReserveIds"),
    "an insert": _mutate("insert"),
    "an update": _mutate("update"),
    "an upsert": _mutate("upsert"),
    "a deletion": _mutate("delete"),
}
USES = WRITTEN | COMPARED | KEYS_ONLY


def _key(*path: Any, **partition: str) -> Callable[[Wire], Any]:
    def build(wire: Wire) -> Any:
        value = get_message_class("Value")()
        value.key_value.CopyFrom(wire.key(*path))
        for field, given in partition.items():
            setattr(value.key_value.partition_id, field, given)
        return value

    return build


def _below_incomplete(wire: Wire) -> Any:
    value = _key("K", 1)(wire)
    del value.key_value.path[:]
    value.key_value.path.add(kind="K")
    value.key_value.path.add(kind="K", id=1)
    return value


IMPROPER_KEYS: dict[str, tuple[Callable[[Wire], Any], str]] = {
    "id 0": (_key("K", 0), "zero"),
    "id 0 above": (_key("K", 0, "K", 1), "zero"),
    "an empty name": (_key("K", ""), "empty"),
    "an empty kind": (_key("", "a"), "empty"),
    "no path": (_key(), "empty"),
    "an incomplete parent": (_below_incomplete, "incomplete|no id or name"),
    "a name too long": (_key("K", "n" * 1501), "longer than 1500"),
    "a kind too long": (_key("k" * 1501, 1), "longer than 1500"),
    "a path too long": (_key(*(("K", 1) * 101)), "100 elements"),
    "a namespace with a space": (_key("K", 1, namespace_id="a b"), "namespace"),
    "a namespace too long": (_key("K", 1, namespace_id="n" * 101), "namespace"),
    "a project in capitals": (_key("K", 1, project_id="Pro Ject"), "project|mismatched"),
    "the default database by name": (_key("K", 1, database_id="(default)"), "database"),
}


@pytest.mark.parametrize("key", IMPROPER_KEYS)
def test_an_improper_key_is_refused_wherever_it_stands(wire: Wire, key: str) -> None:
    build, reason = IMPROPER_KEYS[key]
    for use in USES.values():
        with refuses(INVALID, reason):
            use(wire, build(wire))


def test_an_incomplete_key_is_refused_where_a_complete_one_is_meant(wire: Wire) -> None:
    for name, use in USES.items():
        if name in ("an insert", "an upsert", "an embedded key"):
            continue
        with refuses(INVALID, "incomplete"):
            use(wire, _key("K")(wire))


RESERVED: dict[str, Callable[[Wire], Any]] = {
    "a namespace": _key("K", 1, namespace_id="__a__"),
    "a kind": _key("__k__", 1),
    "a kind above": _key("__k__", 1, "K", 1),
    "a name": _key("K", "__n__"),
}


@pytest.mark.parametrize("reserved", RESERVED)
def test_what_only_the_service_may_use_is_read_and_not_written(wire: Wire, reserved: str) -> None:
    build = RESERVED[reserved]
    for verb in ("insert", "update", "upsert", "delete"):
        with refuses(INVALID, "reserved"):
            _mutate(verb)(wire, build(wire))
    with refuses(INVALID, "reserved"):
        _send("ReserveIds")(wire, build(wire))
    _send("Lookup")(wire, build(wire))
    for use in (_embed(), _embed("array"), _filter("p", "="), _embed_key):
        use(wire, build(wire))


def test_no_ids_are_allocated_where_nobody_may_write(wire: Wire) -> None:
    for build in (_key("K", namespace_id="__a__"), _key("__k__", 1, "K")):
        with refuses(INVALID, "reserved"):
            _send("AllocateIds")(wire, build(wire))


def _request(method: str, key: Any, **fields: str) -> Any:
    request = get_message_class(f"{method}Request")(**fields)
    if method == "Commit":
        request.mode = request.NON_TRANSACTIONAL
        request.mutations.add().upsert.key.CopyFrom(key)
    elif method == "RunQuery":
        request.partition_id.CopyFrom(key.partition_id)
        request.query.kind.add(name="K")
    else:
        request.keys.add().CopyFrom(key)
    return request


METHODS = ("Commit", "Lookup", "RunQuery", "AllocateIds", "ReserveIds")


@pytest.mark.parametrize("method", METHODS)
def test_a_request_and_its_keys_are_of_one_database(wire: Wire, method: str) -> None:
    path = ("K",) if method == "AllocateIds" else ("K", 1)
    for stated, database, project in (
        ("db2", "", "x"),
        ("", "db2", "x"),
        ("db2", "db3", "x"),
        ("db2", "db2", ""),
        ("db2", "db2", "y"),
    ):
        key = _key(*path, database_id=database, project_id=project)(wire).key_value
        with refuses(INVALID, "mismatched databases"):
            wire.call(method, _request(method, key, database_id=stated))
    for database, project in (("db2", "x"), ("", "")):
        key = _key(*path, database_id=database, project_id=project)(wire).key_value
        wire.call(method, _request(method, key, database_id="db2"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "fields",
    [{"project_id": "P"}, {"project_id": "a_b"}, {"project_id": "p" * 101}, {"database_id": "a b"}],
    ids=str,
)
def test_a_project_or_a_database_that_there_cannot_be_is_refused(
    wire: Wire, method: str, fields: dict[str, str]
) -> None:
    path = ("K",) if method == "AllocateIds" else ("K", 1)
    key = _key(*path, **fields)(wire).key_value
    with refuses(INVALID, "project|app id|database"):
        wire.call(method, _request(method, key, **fields))


def _value(**fields: Any) -> Any:
    return get_message_class("Value")(**fields)


def test_a_value_without_a_type_is_refused_wherever_it_stands(wire: Wire) -> None:
    empty = [_value(), _value(exclude_from_indexes=True), _value(meaning=15)]
    for value in empty:
        for use in WRITTEN.values():
            with refuses(INVALID, "does not contain a value"):
                use(wire, value)
    for name in ("a filter by key", "an ancestor"):
        with refuses(INVALID, "value"):
            USES[name](wire, _value())
    for use in COMPARED.values():
        with refuses(INVALID, "does not contain a value"):
            use(wire, _value())


@pytest.mark.lacks("classic", "it has no property transforms")
@pytest.mark.parametrize("field", ["append_missing_elements", "remove_all_from_array"])
def test_an_operand_without_a_type_is_refused(wire: Wire, field: str) -> None:
    mutation = wire.mutation("upsert", ("K", "a"))
    getattr(mutation.property_transforms.add(property="p"), field).values.add()
    with refuses(INVALID, "missing type|does not contain a value"):
        wire.commit(mutation)


UNINDEXABLE: dict[str, tuple[Any, str]] = {
    "a long string": (_value(string_value="x" * 1501), "longer than 1500"),
    "long bytes": (_value(blob_value=b"x" * 1501), "longer than 1500"),
    "a latitude": (_value(geo_point_value={"latitude": 91}), "range"),
    "a longitude": (_value(geo_point_value={"longitude": -181}), "range"),
    "a time too early": (_value(timestamp_value={"seconds": -62135596801}), "range|(?i:timestamp)"),
    "a time too late": (_value(timestamp_value={"seconds": 253402300800}), "range|(?i:timestamp)"),
    "an unknown meaning": (_value(integer_value=1, meaning=99), "meaning"),
    "a meaning of another type": (_value(integer_value=1, meaning=16), "meaning"),
    "an unindexed meaning": (_value(string_value="x", meaning=15), "meaning"),
}


@pytest.mark.parametrize("name", UNINDEXABLE)
def test_what_no_index_can_hold_is_neither_written_nor_compared(wire: Wire, name: str) -> None:
    value, reason = UNINDEXABLE[name]
    for use in (WRITTEN | COMPARED).values():
        with refuses(INVALID, reason):
            use(wire, value)


def test_a_value_that_is_not_indexed_is_not_compared(wire: Wire) -> None:
    for operator in ("=", ">"):
        with refuses(INVALID, "must be indexed"):
            _filter("p", operator)(wire, _value(integer_value=1, exclude_from_indexes=True))


def test_a_meaning_that_fits_is_kept(wire: Wire) -> None:
    wire.put("K", "a", p=_value(string_value="x", meaning=15, exclude_from_indexes=True))
    stored = wire.look_up(("K", "a")).found[0].entity.properties["p"]
    assert (stored.meaning, stored.string_value) == (15, "x")


@pytest.mark.lacks("classic", "it has no vectors")
def test_a_vector_has_doubles_and_no_index(wire: Wire) -> None:
    doubles = [_value(double_value=1), _value(double_value=2)]

    def build(values: list[Any], **fields: Any) -> Any:
        return _value(array_value={"values": values}, meaning=31, **fields)

    wire.put("K", "a", p=build(doubles, exclude_from_indexes=True))
    assert wire.get("K", "a") == {"p": [1.0, 2.0]}
    for improper in (
        build(doubles),
        build([_value(integer_value=1)], exclude_from_indexes=True),
        build([], exclude_from_indexes=True),
    ):
        with refuses(INVALID, "[Vv]ector"):
            wire.put("K", "a", p=improper)


LONG = "x" * 1501


@pytest.mark.parametrize(("name", "reason"), [("", "empty string"), (LONG, "longer than 1500")])
def test_an_improper_name_is_refused_in_every_part_of_a_query(
    wire: Wire, name: str, reason: str
) -> None:
    queries = [
        wire.query("K", (name, "=", 1)),
        wire.query("K", (name, ">", 1)),
        wire.query("K", order=[name]),
        wire.query("K", project=[name]),
        wire.query("K", distinct=[name]),
        wire.query(name),
    ]
    for query in queries:
        with refuses(INVALID, reason):
            wire.run(query)


def test_names_of_embedded_properties_are_measured_with_what_is_around_them(wire: Wire) -> None:
    wire.put("K", "a", o={"x" * 1498: 1})
    for value in ({"x" * 1499: 1}, [{"x" * 1499: 1}], {"p": {"x" * 1497: 1}}):
        with refuses(INVALID, "longer than 1500"):
            wire.put("K", "a", o=value)


def test_a_query_must_be_given(wire: Wire) -> None:
    request = get_message_class("RunQueryRequest")()
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    with refuses(INVALID, "must be"):
        wire.call("RunQuery", request)


def test_an_unknown_direction_operator_or_mode_is_refused(wire: Wire) -> None:
    query = wire.query("K", order=["p"])
    query.order[0].direction = 99
    with refuses(INVALID, "direction"):
        wire.run(query)
    for operator in (0, 7, 99):
        query = wire.query("K", ("p", "=", 1))
        query.filter.composite_filter.filters[0].property_filter.op = operator
        with refuses(INVALID, "(?i)operator|PropertyFilter.op|unspecified"):
            wire.run(query)
    with refuses(INVALID, "(?i)commit mode"):
        wire.call("Commit", get_message_class("CommitRequest")(mode=7))


@pytest.mark.deviation("classic", "it answers INTERNAL")
def test_no_transaction_goes_on_from_one_that_never_was(wire: Wire) -> None:
    options = {"read_write": {"previous_transaction": b"never"}}
    request = get_message_class("BeginTransactionRequest")(transaction_options=options)
    with refuses(INVALID, "Invalid transaction"):
        wire.call("BeginTransaction", request)


@pytest.mark.deviation("classic", "it takes any number")
def test_a_query_has_at_most_100_filters_and_orders(wire: Wire) -> None:
    filters = [(f"p{n}", "=", 1) for n in range(100)]
    assert wire.names("K", *filters) == []
    for where, order in (
        ([*filters, ("q", "=", 1)], []),
        ([*filters, ("__key__", "has ancestor", ("K", "a"))], []),
        (filters[1:], ["q", "r"]),
    ):
        with refuses(INVALID, "more than 100"):
            wire.names("K", *where, order=order)
