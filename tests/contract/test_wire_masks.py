"""Property masks and transforms. The classic emulator ignores both."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Unindexed, Wire, read_properties, read_value, refuses

pytestmark = pytest.mark.lacks("classic", "it ignores masks and transforms")

STORED: dict[str, Any] = {"a": 1, "b": "x", "c": 1.5, "list": [1, 2], "in": {"x": 1, "y": 2}}


def write(wire: Wire, operation: str, mask: list[str], **properties: Any) -> None:
    mutation = wire.mutation(operation, ("K", "m"), **properties)
    mutation.property_mask.paths.extend(mask)
    mutation.property_mask.SetInParent()
    wire.commit(mutation)


MASKED: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {
    "what it names is written": (["a"], {"a": 9, "b": "no"}, STORED | {"a": 9}),
    "an absent one is removed": (["b"], {}, {n: v for n, v in STORED.items() if n != "b"}),
    "a path reaches inside": (["in.x"], {"in": {"x": 7}}, STORED | {"in": {"x": 7, "y": 2}}),
    "an absent path is removed": (["in.x"], {}, STORED | {"in": {"y": 2}}),
    "a new path is made": (["new.x"], {"new": {"x": 7}}, STORED | {"new": {"x": 7}}),
    "what is in the way gives way": (["a.x"], {"a": {"x": 7}}, STORED | {"a": {"x": 7}}),
    "the key is no property": (["__key__"], {"a": 9}, STORED),
    "nothing named, nothing written": ([], {"a": 9}, STORED),
}


@pytest.mark.parametrize("name", MASKED)
def test_a_masked_write_leaves_the_rest_alone(wire: Wire, name: str) -> None:
    mask, written, expected = MASKED[name]
    wire.put("K", "m", **STORED)
    write(wire, "upsert", mask, **written)
    assert wire.get("K", "m") == expected


def test_a_masked_write_of_a_new_entity_writes_only_what_is_named(wire: Wire) -> None:
    write(wire, "insert", ["a"], a=1, b=2)
    assert wire.get("K", "m") == {"a": 1}


def test_the_indexes_follow_a_masked_write(wire: Wire) -> None:
    wire.put("K", "m", a=1, b=1)
    write(wire, "update", ["a"], a=2)
    assert wire.names("K", ("a", "=", 1)) == []
    assert wire.names("K", ("a", "=", 2), ("b", "=", 1)) == ["m"]


@pytest.mark.parametrize("path", ["", "__x__", "a.", ".a", "a b", "a-b", "`a"])
def test_a_path_that_cannot_be_is_refused(wire: Wire, path: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "property path|is reserved"):
        write(wire, "upsert", [path], a=1)


def test_a_name_with_a_dot_is_quoted(wire: Wire) -> None:
    wire.put("K", "m", **{"a.b": 1, "c": 1})
    write(wire, "update", ["`a.b`"], **{"a.b": 2})
    assert wire.get("K", "m") == {"a.b": 2, "c": 1}


@pytest.mark.parametrize(
    ("mask", "expected"),
    [(["a"], {"a": 1}), (["in.x", "b"], {"in": {"x": 1}, "b": "x"}), (["absent"], {})],
)
def test_a_masked_read_answers_only_what_is_named(
    wire: Wire, mask: list[str], expected: dict[str, Any]
) -> None:
    wire.put("K", "m", **STORED)
    found = wire.call("Lookup", keys=[wire.key("K", "m")], property_mask={"paths": mask}).found
    assert read_properties(found[0].entity) == expected
    request = get_message_class("RunQueryRequest")(query=wire.query("K"))
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    request.property_mask.paths.extend(mask)
    batch = wire.call("RunQuery", request).batch
    assert read_properties(batch.entity_results[0].entity) == expected
    request.query.projection.add(property={"name": "a"})
    with refuses(StatusCode.INVALID_ARGUMENT, "masks are not allowed on projection"):
        wire.call("RunQuery", request)


def transform(wire: Wire, name: str, kind: str, operand: Any, **stored: Any) -> Any:
    """Transform one property of an entity as it is stored; return the result."""
    mutation = wire.mutation("update", ("K", "m"))
    mutation.property_mask.SetInParent()
    change = mutation.property_transforms.add(property=name)
    if isinstance(operand, list):
        getattr(change, kind).values.extend(wire.value(one) for one in operand)
    else:
        getattr(change, kind).CopyFrom(wire.value(operand))
    wire.put("K", "m", **stored)
    result = wire.commit(mutation).mutation_results[0].transform_results[0]
    return read_value(result)


COMPUTED: list[tuple[str, Any, Any, Any]] = [
    ("increment", 1, 5, 6),
    ("increment", 1, 0.5, 1.5),
    ("increment", 1.5, 1, 2.5),
    ("increment", "text", 3, 3),
    ("increment", 2**63 - 5, 10, 2**63 - 1),
    ("increment", -(2**63) + 5, -10, -(2**63)),
    ("maximum", 1, 5, 5),
    ("maximum", 5, 1, 5),
    ("maximum", 1, 1.0, 1),
    ("maximum", 1, 1.5, 1.5),
    ("minimum", 1, -1.5, -1.5),
    ("minimum", "text", 4, 4),
]


@pytest.mark.parametrize(("kind", "stored", "operand", "expected"), COMPUTED)
def test_a_number_is_computed_where_it_is(
    wire: Wire, kind: str, stored: Any, operand: Any, expected: Any
) -> None:
    result = transform(wire, "v", kind, operand, v=stored, other=1)
    assert (result, type(result)) == (expected, type(expected))
    assert wire.get("K", "m") == {"v": expected, "other": 1}
    assert wire.names("K", ("v", "=", expected)) == ["m"]


def test_the_maximum_with_what_is_not_a_number_is_not_one(wire: Wire) -> None:
    assert math.isnan(transform(wire, "v", "maximum", math.nan, v=1))


def test_a_transform_reaches_inside_and_makes_its_way(wire: Wire) -> None:
    assert transform(wire, "at.x", "increment", 4, at={"x": 1, "y": 2}) == 5
    assert wire.get("K", "m") == {"at": {"x": 5, "y": 2}}
    assert transform(wire, "new.x", "increment", 4, v=1) == 4
    assert wire.get("K", "m") == {"v": 1, "new": {"x": 4}}


ARRAYS: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("append_missing_elements", [1, 2], [2, 1.0, 7, 7, None], [1, 2, 7, None]),
    ("append_missing_elements", "text", [3], [3]),
    ("remove_all_from_array", [1, 2, 1, "x"], [1.0, "x"], [2]),
    ("remove_all_from_array", 5, [5], []),
]


@pytest.mark.parametrize(("kind", "stored", "operand", "expected"), ARRAYS)
def test_an_array_is_a_set_to_transforms(
    wire: Wire, kind: str, stored: Any, operand: list[Any], expected: list[Any]
) -> None:
    assert transform(wire, "v", kind, operand, v=stored) is None
    assert wire.get("K", "m") == {"v": expected}


def test_the_server_gives_its_time_in_milliseconds(wire: Wire) -> None:
    mutation = wire.mutation("upsert", ("K", "m"))
    mutation.property_transforms.add(property="at", set_to_server_value=1)
    wire.commit(mutation)
    at = (wire.get("K", "m") or {})["at"]
    assert abs(at.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert at.microsecond % 1000 == 0


def test_several_transforms_apply_in_order(wire: Wire) -> None:
    mutation = wire.mutation("upsert", ("K", "m"), v=1)
    for _ in range(2):
        mutation.property_transforms.add(property="v", increment={"integer_value": 5})
    results = wire.commit(mutation).mutation_results[0].transform_results
    assert [read_value(one) for one in results] == [6, 11]


def test_a_transform_that_cannot_be_is_refused(wire: Wire) -> None:
    wire.put("K", "m", v=1)
    pathless: dict[str, Any] = {"property": "", "increment": {"integer_value": 1}}
    for broken in [{"property": "v"}, pathless]:
        mutation = wire.mutation("update", ("K", "m"))
        mutation.property_transforms.add(**broken)
        with refuses(
            StatusCode.INVALID_ARGUMENT, "must have a type|must be specified|empty property path"
        ):
            wire.commit(mutation)
    mutation = wire.mutation("delete", ("K", "m"))
    mutation.property_transforms.add(property="v", increment={"integer_value": 1})
    with refuses(StatusCode.INVALID_ARGUMENT, "elete .*cannot have"):
        wire.commit(mutation)


@pytest.mark.parametrize(
    ("kind", "stored", "operand", "unindexed"),
    [
        ("maximum", Unindexed(5), 1, True),
        ("maximum", Unindexed(1), 5, False),
        ("minimum", 5, Unindexed(1), True),
        ("increment", Unindexed(1), 1, False),
        ("increment", 1, Unindexed(1), True),
    ],
)
def test_a_number_is_indexed_as_what_it_was_taken_from(
    wire: Wire, kind: str, stored: Any, operand: Any, unindexed: bool
) -> None:
    transform(wire, "v", kind, operand, v=stored)
    value = wire.look_up(("K", "m")).found[0].entity.properties["v"]
    assert value.exclude_from_indexes is unindexed
    assert wire.names("K", order=["v"]) == ([] if unindexed else ["m"])


def test_a_property_and_what_is_in_it_are_not_transformed_together(wire: Wire) -> None:
    mutation = wire.mutation("upsert", ("K", "m"), v=1)
    for name in ("v.x", "v"):
        mutation.property_transforms.add(property=name, increment={"integer_value": 1})
    with refuses(StatusCode.INVALID_ARGUMENT, "transform property v and its nested"):
        wire.commit(mutation)


def test_a_transformed_entity_keeps_to_the_limits(local_wire: Wire) -> None:
    local_wire.put("K", "m", v=Unindexed("x" * 1_000_000))
    mutation = local_wire.mutation("update", ("K", "m"), w=Unindexed("x" * 100_000))
    mutation.property_mask.paths.append("w")
    with refuses(StatusCode.INVALID_ARGUMENT, "larger than 1048572 bytes"):
        local_wire.commit(mutation)
