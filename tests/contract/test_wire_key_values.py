"""Keys as values: in filters, as ancestors, in properties, arrays and embedded entities."""

from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import PROJECT, Wire, list_names, refuses

Partition = tuple[str, str, str]


def build_key(wire: Wire, *path: Any, **partition: str) -> Any:
    """Return a key value; a field of its partition that is not given is the query's own."""
    value = get_message_class("Value")()
    value.key_value.CopyFrom(wire.key(*path))
    for field, given in partition.items():
        setattr(value.key_value.partition_id, field, given)
    return value


def get_partition(key: Any) -> Partition:
    given = key.partition_id
    return given.project_id, given.database_id, given.namespace_id


FOREIGN: dict[str, dict[str, str]] = {
    "another project": {"project_id": "y"},
    "another namespace": {"namespace_id": "other"},
    "no namespace": {"namespace_id": ""},
    "neither project nor namespace": {"project_id": "", "namespace_id": ""},
}
KEY_OPERATORS = ("=", "<", ">=", "in", "has ancestor")


def compare(wire: Wire, name: str, operator: str, key: Any) -> list[str | int]:
    return wire.names("K", (name, operator, [key] if "in" in operator.split() else key))


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("operator", KEY_OPERATORS)
def test_a_key_of_another_partition_is_refused_where_keys_are_compared(
    wire: Wire, operator: str, foreign: str
) -> None:
    key = build_key(wire, "K", "a", **FOREIGN[foreign])
    with refuses(StatusCode.INVALID_ARGUMENT, "namespace|project|app is|database"):
        compare(wire, "__key__", operator, key)


@pytest.mark.deviation("classic", "it has no databases")
@pytest.mark.parametrize("operator", KEY_OPERATORS)
def test_a_key_of_another_database_is_refused_where_keys_are_compared(
    wire: Wire, operator: str
) -> None:
    key = build_key(wire, "K", "a", database_id="other")
    with refuses(StatusCode.INVALID_ARGUMENT, "database"):
        compare(wire, "__key__", operator, key)


@pytest.mark.lacks("classic", "it has neither aggregations nor disjunctions")
def test_a_key_of_another_partition_is_refused_however_it_comes(wire: Wire) -> None:
    key = build_key(wire, "K", "a", namespace_id="other")
    either = wire.either(("p", "=", 1), ("__key__", "=", key))
    with refuses(StatusCode.INVALID_ARGUMENT, "namespace"):
        wire.names("K", either)
    with refuses(StatusCode.INVALID_ARGUMENT, "namespace"):
        wire.names("K", ("__key__", "not in", [key]))
    with refuses(StatusCode.INVALID_ARGUMENT, "namespace"):
        wire.aggregate(wire.query("K", ("__key__", "has ancestor", key)), {"count": {}})


@pytest.mark.parametrize("operator", ["=", ">=", "in", "has ancestor"])
def test_a_compared_key_without_a_project_is_of_the_querys(wire: Wire, operator: str) -> None:
    wire.put("K", "a")
    key = build_key(wire, "K", "a", project_id="")
    assert compare(wire, "__key__", operator, key) == ["a"]


PLACES: dict[str, Any] = {
    "a property": lambda key: key,
    "an array": lambda key: [key],
    "an embedded entity": lambda key: {"in": key},
    "an embedded entity in an array": lambda key: [{"in": key}],
}


def find_key(value: Any) -> Any:
    """Return the one key in a value."""
    if value.HasField("array_value"):
        return find_key(value.array_value.values[0])
    if value.HasField("entity_value"):
        return find_key(value.entity_value.properties["in"])
    return value.key_value


@pytest.mark.parametrize("place", PLACES)
def test_a_written_key_value_without_a_project_gets_the_requests(wire: Wire, place: str) -> None:
    own = build_key(wire, "K", "owner", project_id="")
    bare = build_key(wire, "K", "owner", project_id="", namespace_id="")
    other = build_key(wire, "K", "owner", project_id="y", database_id="d")
    for given, expected in (
        (own, (PROJECT, "", wire.namespace)),
        (bare, (PROJECT, "", "")),
        (other, ("y", "d", wire.namespace)),
    ):
        wire.put("K", "a", owner=PLACES[place](given))
        stored = wire.look_up(("K", "a")).found[0].entity.properties["owner"]
        assert get_partition(find_key(stored)) == expected


def test_the_key_of_an_embedded_entity_is_completed(wire: Wire) -> None:
    entity = wire.entity(("K", "a"))
    embedded = entity.properties["in"].entity_value
    embedded.key.path.add(kind="L", id=5)
    wire.commit(get_message_class("Mutation")(upsert=entity))
    stored = wire.look_up(("K", "a")).found[0].entity.properties["in"].entity_value.key
    assert get_partition(stored) == (PROJECT, "", "")


NOT_INDEXED = pytest.mark.deviation("fsd", "it does not index what is embedded in an array")


@pytest.mark.parametrize(
    "place",
    [
        *list(PLACES)[:-1],
        pytest.param(list(PLACES)[-1], marks=NOT_INDEXED),
    ],
)
def test_an_owner_is_found_with_and_without_its_project(wire: Wire, place: str) -> None:
    """Stock Node writes and compares key values without a project, stock Python with it."""
    full = build_key(wire, "K", "owner")
    short = build_key(wire, "K", "owner", project_id="")
    wire.put("K", "full", owner=PLACES[place](full))
    wire.put("K", "short", owner=PLACES[place](short))
    name = "owner.in" if "embedded" in place else "owner"
    for key in (full, short):
        assert compare(wire, name, "=", key) == ["full", "short"]
        assert compare(wire, name, "in", key) == ["full", "short"]
    projected = wire.run(wire.query("K", project=[name])).entity_results
    assert {get_partition(one.entity.properties[name].key_value) for one in projected} == {
        (PROJECT, "", wire.namespace)
    }


def test_a_property_may_hold_and_be_compared_with_a_key_of_another_partition(wire: Wire) -> None:
    wire.put("K", "own", owner=build_key(wire, "K", "o"))
    for foreign in (*FOREIGN.values(), {"project_id": "y", "namespace_id": "other"}):
        key = build_key(wire, "K", "o", **foreign)
        wire.put("K", "foreign", owner=key)
        assert compare(wire, "owner", "=", key) == ["foreign"]
        assert compare(wire, "owner", "=", build_key(wire, "K", "o")) == ["own"]


def test_a_bound_key_without_a_project_is_of_the_querys(wire: Wire) -> None:
    wire.put("K", "a", owner=build_key(wire, "K", "o"))
    request = get_message_class("RunQueryRequest")()
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    gql = request.gql_query
    gql.query_string = "SELECT * FROM K WHERE owner = @o"
    gql.named_bindings["o"].value.CopyFrom(build_key(wire, "K", "o", project_id=""))
    assert list_names(wire.call("RunQuery", request).batch) == ["a"]


@pytest.mark.lacks("classic", "it has no property transforms")
def test_keys_without_a_project_are_the_same_to_transforms(wire: Wire) -> None:
    wire.put("K", "a", owners=[build_key(wire, "K", "o"), build_key(wire, "K", "p")])
    mutation = wire.mutation("upsert", ("K", "a"))
    for field, name in (("remove_all_from_array", "o"), ("append_missing_elements", "q")):
        operand = getattr(mutation.property_transforms.add(property="owners"), field).values.add()
        operand.CopyFrom(build_key(wire, "K", name, project_id=""))
    mutation.property_mask.SetInParent()
    wire.commit(mutation)
    stored = wire.look_up(("K", "a")).found[0].entity.properties["owners"].array_value.values
    assert [(get_partition(one.key_value)[0], one.key_value.path[0].name) for one in stored] == [
        (PROJECT, "p"),
        (PROJECT, "q"),
    ]
