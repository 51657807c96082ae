"""Queries: which entities, in which order, in which form."""

from datetime import UTC, datetime
from typing import Any

import pytest
from grpc import StatusCode

from tests.contract.wire import Path, Unindexed, Wire, list_names, read_properties, refuses

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)

#: In the service's order of values of different types.
VALUES: dict[str, Any] = {
    "a-null": None,
    "b-negative": -5,
    "c-one": 1,
    "d-time": NOON,
    "e-false": False,
    "f-true": True,
    "g-bytes": b"a",
    "h-text": "b",
    "i-text": "b\x00",
    "j-text": "ba",
    "k-bytes": b"\xff",
    "l-small": float("-inf"),
    "m-minus-zero": -0.0,
    "n-zero": 0.0,
    "o-double": 1.0,
    "p-large": float("inf"),
    "q-key": ("K", "a"),
}


@pytest.fixture
def mixed(wire: Wire) -> Wire:
    wire.put_all({name: {"v": value} for name, value in VALUES.items()})
    return wire


def test_values_are_ordered_across_types(mixed: Wire) -> None:
    assert mixed.names(order=["v"]) == list(VALUES)
    assert mixed.names(order=["-v"]) == list(VALUES)[::-1]


@pytest.mark.parametrize("name", VALUES)
def test_equality_finds_exactly_that_value(mixed: Wire, name: str) -> None:
    assert mixed.names("K", ("v", "=", VALUES[name])) == [name]


def test_a_timestamp_equals_its_microseconds_and_text_equals_its_bytes(mixed: Wire) -> None:
    assert mixed.names("K", ("v", "=", int(NOON.timestamp()) * 10**6)) == ["d-time"]
    assert mixed.names("K", ("v", "=", b"b")) == ["h-text"]


@pytest.mark.parametrize("name", ["a-null", "c-one", "f-true", "h-text", "n-zero", "q-key"])
def test_a_range_goes_on_across_types(mixed: Wire, name: str) -> None:
    names = list(VALUES)
    at = names.index(name)
    assert mixed.names("K", ("v", "<", VALUES[name])) == names[:at]
    assert mixed.names("K", ("v", "<=", VALUES[name])) == names[: at + 1]
    assert mixed.names("K", ("v", ">", VALUES[name])) == names[at + 1 :]
    assert mixed.names("K", ("v", ">=", VALUES[name])) == names[at:]


def test_a_query_of_a_kind_is_ordered_by_key(wire: Wire) -> None:
    paths: list[Path] = [("A", 1, "K", 1), ("K", 2), ("K", 2, "K", 1), ("K", 10), ("K", "b")]
    for path in reversed(paths):
        wire.put(*path)
    batch = wire.run(wire.query("K"))
    assert [one.entity.key for one in batch.entity_results] == [wire.key(*path) for path in paths]


def test_an_ancestor_query_finds_the_ancestor_and_all_below(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    wire.put("K", "a", "K", "b", n=1)
    wire.put("K", "a", "X", 1, "K", "c", n=1)
    wire.put("K", "ab", n=1)
    inside = ("__key__", "has ancestor", ("K", "a"))
    assert wire.names("K", inside) == ["a", "b", "c"]
    assert wire.names("K", inside, ("n", "=", 1)) == ["a", "b", "c"]
    assert wire.names(None, inside) == ["a", "b", "c"]


def test_equality_filters_are_joined(wire: Wire) -> None:
    for n in range(30):
        wire.put("K", n + 1, even=n % 2 == 0, third=n % 3 == 0, fifth=n % 5 == 0)
    where = [("even", "=", True), ("third", "=", True), ("fifth", "=", True)]
    assert wire.names("K", *where) == [1]
    assert wire.names("K", *where[:2]) == [1, 7, 13, 19, 25]


def test_what_is_not_indexed_is_not_found(wire: Wire) -> None:
    wire.put_all({"a": {"n": Unindexed(1)}, "b": {"n": [1, Unindexed(2)]}, "c": {"m": 1}})
    assert wire.names("K", ("n", "=", 1)) == ["b"]
    assert wire.names("K", ("n", "=", 2)) == []
    assert wire.names("K", order=["n"]) == ["b"]


def test_each_value_of_a_list_is_found(wire: Wire) -> None:
    wire.put_all({"a": {"n": [1, 5]}, "b": {"n": [3]}})
    assert wire.names("K", ("n", "=", 5)) == ["a"]
    assert wire.names("K", ("n", "=", 1), ("n", "=", 5)) == ["a"]
    assert wire.names("K", ("n", ">", 1), ("n", "<", 5)) == ["b"]


@pytest.mark.deviation("fsd", "it answers an entity once for each value that matches")
def test_an_entity_is_answered_once_however_many_values_match(wire: Wire) -> None:
    wire.put_all({"a": {"n": [1, 5]}, "b": {"n": [3]}})
    assert wire.names("K", ("n", ">", 0)) == ["a", "b"]
    assert wire.names("K", order=["-n"]) == ["a", "b"]


def test_properties_of_an_embedded_entity_have_paths(wire: Wire) -> None:
    wire.put_all({"a": {"at": {"city": "Bern"}}, "b": {"at": {"city": "Ulm"}}})
    assert wire.names("K", ("at.city", "=", "Ulm")) == ["b"]
    assert wire.names("K", order=["-at.city"]) == ["b", "a"]


def test_filters_and_orders_together_use_a_composite_index(wire: Wire) -> None:
    wire.put_all({f"e{n}": {"a": n % 2, "b": n % 3, "c": n} for n in range(12)})
    odd = ["e11", "e9", "e7", "e5", "e3", "e1"]
    assert wire.names("K", ("a", "=", 1), order=["-c"]) == odd
    assert wire.names("K", ("a", "=", 1), ("b", "=", 0), order=["-c"]) == ["e9", "e3"]
    assert wire.names("K", ("a", "=", 1), ("c", "<", 6), order=["-c"]) == ["e5", "e3", "e1"]


def test_key_filters_bound_the_scan(wire: Wire) -> None:
    wire.put_all({name: {"n": 1} for name in "abcde"})
    above = ("__key__", ">", ("K", "b"))
    assert wire.names("K", above, ("__key__", "<=", ("K", "d"))) == ["c", "d"]
    assert wire.names("K", above, ("n", "=", 1)) == ["c", "d", "e"]
    assert wire.names("K", ("__key__", "=", ("K", "c"))) == ["c"]


def test_a_projection_has_what_the_index_has(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1, "q": "x"}, "b": {"p": NOON, "q": b"y"}, "c": {"p": 3}})
    batch = wire.run(wire.query("K", project=["p", "q"]))
    assert [read_properties(one.entity) for one in batch.entity_results] == [
        {"p": 1, "q": "x"},
        {"p": int(NOON.timestamp()) * 10**6, "q": "y"},
    ]
    assert batch.entity_result_type == 2


def test_a_projection_of_a_list_answers_each_value(wire: Wire) -> None:
    wire.put_all({"a": {"p": [3, 1]}, "b": {"p": 2}})
    batch = wire.run(wire.query("K", project=["p"]))
    values = [read_properties(one.entity)["p"] for one in batch.entity_results]
    assert (values, list_names(batch)) == ([1, 2, 3], ["a", "b", "a"])


def test_keys_only_answers_keys(wire: Wire) -> None:
    wire.put("K", "a", n=1)
    batch = wire.run(wire.query("K", project=["__key__"]))
    assert batch.entity_result_type == 3
    assert [dict(one.entity.properties) for one in batch.entity_results] == [{}]


def test_distinct_on_answers_the_first_of_each_group(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1, "q": 5}, "b": {"p": 1, "q": 4}, "c": {"p": 2, "q": 9}})
    query = wire.query("K", project=["p", "q"], distinct=["p"], order=["p", "q"])
    assert list_names(wire.run(query)) == ["b", "c"]
    assert list_names(wire.run(wire.query("K", project=["p"], distinct=["p"]))) == ["a", "c"]


@pytest.mark.deviation("classic", "it has ascending keys in descending indexes")
def test_what_is_distinct_and_not_ordered_follows_the_order(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1, "q": 1}, "b": {"p": 1, "q": 2}, "c": {"p": 2, "q": 1}})
    query = wire.query("K", project=["p", "q"], distinct=["p", "q"], order=["-p"])
    assert list_names(wire.run(query)) == ["c", "b", "a"]


def test_nothing_is_distinct_twice(wire: Wire) -> None:
    with refuses(
        StatusCode.INVALID_ARGUMENT, "distinct on a property twice|property multiple times"
    ):
        wire.run(wire.query("K", project=["p"], distinct=["p", "p"]))


def test_what_is_not_distinct_may_not_be_ordered_first(wire: Wire) -> None:
    for order in (["q", "p"], ["q"], ["__key__"]):
        with refuses(StatusCode.INVALID_ARGUMENT, "before any"):
            wire.run(wire.query("K", project=["p"], distinct=["p"], order=order))


@pytest.mark.deviation("classic", "it has no disjunctions")
def test_alternatives_are_united(wire: Wire) -> None:
    wire.put_all({f"e{n}": {"p": n, "q": n % 2} for n in range(6)})
    assert wire.names("K", ("p", "in", [4, 0, 9])) == ["e0", "e4"]
    assert wire.names("K", wire.either(("p", "=", 3), ("q", "=", 0))) == ["e0", "e2", "e3", "e4"]
    assert wire.names("K", ("p", "in", [4, 0, 2]), order=["-p"]) == ["e4", "e2", "e0"]
    nested = wire.either(("p", "=", 1), wire.filter(("p", "=", 2), ("q", "=", 0)))
    assert wire.names("K", nested) == ["e1", "e2"]


@pytest.mark.deviation("classic", "it has no inequality")
def test_what_differs_is_ordered_by_what_differs(wire: Wire) -> None:
    wire.put_all({"e2": {"p": 2}, "e3": {"p": 3}, "e1": {"p": 1}, "none": {}, "null": {"p": None}})
    assert wire.names("K", ("p", "!=", 2)) == ["null", "e1", "e3"]
    assert wire.names("K", ("p", "not in", [1, 3])) == ["null", "e2"]
    assert wire.names("K", ("p", "!=", 2), ("p", ">", 0)) == ["e1", "e3"]


@pytest.mark.deviation("classic", "it takes one inequality a query")
def test_several_properties_may_have_inequalities(wire: Wire) -> None:
    wire.put_all({f"e{n}": {"p": n, "q": 10 - n} for n in range(10)})
    assert wire.names("K", ("p", ">", 3), ("q", ">", 3)) == ["e4", "e5", "e6"]


BAD_QUERIES: dict[str, dict[str, Any]] = {
    "a negative limit": {"limit": {"value": -1}},
    "a negative offset": {"offset": -1},
    "a broken cursor": {"start_cursor": b"nonsense"},
}


WORDS = {
    "a negative limit": "[Ll]imit must",
    "a negative offset": "[Oo]ffset must",
    "a broken cursor": "cursor cannot be read|Error parsing",
}


@pytest.mark.parametrize("name", BAD_QUERIES)
def test_a_malformed_query_is_refused(wire: Wire, name: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, WORDS[name]):
        wire.run(wire.query("K", **BAD_QUERIES[name]))


def test_a_query_has_one_kind(wire: Wire) -> None:
    query = wire.query("K")
    query.kind.add(name="Other")
    with refuses(StatusCode.INVALID_ARGUMENT, "[Oo]nly one kind|multiple kinds"):
        wire.run(query)


def test_a_query_without_kind_knows_only_keys(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "kind is required for .*filter"):
        wire.names(None, ("n", "=", 1))
    with refuses(StatusCode.INVALID_ARGUMENT, "kind is required for .*order"):
        wire.names(None, order=["n"])
    with refuses(StatusCode.INVALID_ARGUMENT, "kind is required for all orders"):
        wire.names(None, order=["-__key__"])


def test_a_projected_property_may_not_have_an_equality_filter(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "projection on a property with an equality"):
        wire.names("K", ("p", "=", 1), project=["p"])


def test_an_embedded_entity_is_no_operand(wire: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "entity value is not allowed"):
        wire.names("K", ("p", "=", {"x": 1}))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ([("p", "in", [])], "non-empty"),
        ([("p", "in", list(range(31)))], "30 values|31 properties"),
        ([("p", "not in", list(range(11)))], "10 values|Unrecognized .*NOT_IN"),
        ([("p", "!=", 1), ("q", "!=", 1)], "Only a single 'NOT_EQUAL' or 'NOT_IN'"),
        ([("p", "in", [1]), ("q", "not in", [1])], "'NOT_IN'"),
        ([("p", "in", list(range(6))), ("q", "in", list(range(6)))], "disjunctions|Only a single"),
    ],
)
def test_disjunctions_out_of_bounds_are_refused(wire: Wire, where: list[Any], words: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, words):
        wire.names("K", *where)


def test_a_search_for_vectors_is_not_answered_as_if_it_were_none(local_wire: Wire) -> None:
    query = local_wire.query("K")
    query.find_nearest.limit.value = 1
    with refuses(StatusCode.UNIMPLEMENTED, "nearest vectors are not supported"):
        local_wire.run(query)


@pytest.mark.deviation("classic", "it sorts what is projected in its own order")
def test_a_projected_property_whose_direction_nobody_names_goes_as_the_last_one(wire: Wire) -> None:
    wire.put_all({name: {"p": 1, "q": n} for n, name in enumerate("abc")})
    assert wire.names("K", order=["-p"], project=["p", "q"]) == ["c", "b", "a"]
