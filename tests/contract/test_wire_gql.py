"""GQL: the same queries as text."""

from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Wire, list_names, read_value, refuses

NO_DISJUNCTIONS = pytest.mark.deviation("classic", "it has no disjunctions")


def run(wire: Wire, text: str, *positional: Any, literals: bool = True, **named: Any) -> Any:
    request = get_message_class("RunQueryRequest")()
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    gql = request.gql_query
    gql.query_string, gql.allow_literals = text, literals
    for one in positional:
        fill(gql.positional_bindings.add(), one, wire)
    for name, one in named.items():
        fill(gql.named_bindings[name], one, wire)
    return wire.call("RunQuery", request)


def fill(parameter: Any, given: Any, wire: Wire) -> None:
    """Bind a value, or a cursor given as {"cursor": ...}."""
    if isinstance(given, dict):
        parameter.cursor = given["cursor"]
    else:
        parameter.value.CopyFrom(wire.value(given))


@pytest.fixture
def letters(wire: Wire) -> Wire:
    wire.put_all({name: {"p": n, "q": name} for n, name in enumerate("abcde")})
    return wire


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM K", "abcde"),
        ("select * from `K` where p > 1 and p <= 3 order by p desc", "dc"),
        ("SELECT __key__ FROM K LIMIT 2", "ab"),
        ("SELECT p FROM K WHERE p > 1 LIMIT 2 OFFSET 1", "de"),
        ("SELECT DISTINCT p FROM K", "abcde"),
        ("SELECT DISTINCT ON (p) p, q FROM K", "abcde"),
        ("SELECT * FROM K WHERE __key__ = KEY(K, 'a')", "a"),
        ("SELECT * FROM K WHERE __key__ HAS ANCESTOR KEY(K, 'a')", "a"),
        ("SELECT * FROM K WHERE KEY(K, 'b') HAS DESCENDANT __key__", "b"),
        ("SELECT * WHERE __key__ > KEY(K, 'c')", "de"),
        ("SELECT * FROM K WHERE q IS NULL", ""),
        ("SELECT * FROM K WHERE p CONTAINS 2", "c"),
        ("SELECT * FROM K WHERE 2 IN p", "c"),
        ("SELECT * FROM K WHERE 1 < p", "cde"),
        ("SELECT * FROM K WHERE p > DATETIME('1970-01-01T00:00:00.000002Z')", "de"),
        ("SELECT * FROM K WHERE q = BLOB('YQ')", "a"),
        ("SELECT * FROM K WHERE p > -1 LIMIT 1", "a"),
        ("SELECT * FROM K WHERE q = 'it''s' ", ""),
        ("SELECT * FROM K WHERE p = TRUE", ""),
        ("SELECT * FROM K WHERE p = 1.0", ""),
    ],
)
def test_a_text_finds_what_it_says(letters: Wire, text: str, expected: str) -> None:
    assert list_names(run(letters, text).batch) == list(expected)


@NO_DISJUNCTIONS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM K WHERE q = 'a' OR q = \"b\"", "ab"),
        ("SELECT * FROM K WHERE p IN ARRAY(1, 2)", "bc"),
        ("SELECT * FROM K WHERE q NOT IN ARRAY('a')", "bcde"),
        ("SELECT * FROM K WHERE p != 2", "abde"),
        ("SELECT * FROM K WHERE p < 1 AND (q = 'a' OR q = 'b')", "a"),
    ],
)
def test_alternatives_are_understood(letters: Wire, text: str, expected: str) -> None:
    assert list_names(run(letters, text).batch) == list(expected)


def test_bindings_take_the_place_of_values(letters: Wire) -> None:
    answer = run(letters, "SELECT * FROM K WHERE p >= @low LIMIT @1", 2, literals=False, low=1)
    assert list_names(answer.batch) == ["b", "c"]
    assert answer.query.kind[0].name == "K"
    assert answer.query.limit.value == 2


def test_a_cursor_is_bound_as_an_offset(letters: Wire) -> None:
    cursor = run(letters, "SELECT * FROM K LIMIT 2").batch.end_cursor
    rest = run(letters, "SELECT * FROM K OFFSET @c", literals=False, c={"cursor": cursor})
    assert list_names(rest.batch) == ["c", "d", "e"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT FROM K",
        "SELECT * FROM K WHERE",
        "SELECT * FROM K LIMIT 1 + 1",
        "SELECT * FROM K WHERE p == 1",
        "SELECT * FROM K WHERE p = @absent",
        "SELECT * FROM K WHERE p = @1",
        "SELECT * FROM K LIMIT FIRST(2, 3)",
        "SELECT * FROM K WHERE p = 'open",
        "SELECT * FROM K WHERE " + "(" * 500,
    ],
)
def test_what_is_no_query_is_refused(letters: Wire, text: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "GQL: |Encountered|Expected|Lexical|Absent"):
        run(letters, text)


@pytest.mark.parametrize("name", ["", "1x", "a b", "a-b", "__x__"])
def test_a_binding_with_an_improper_name_is_refused_even_if_unused(
    letters: Wire, name: str
) -> None:
    bindings: dict[str, Any] = {name: 1}
    with refuses(StatusCode.INVALID_ARGUMENT, "parameter name"):
        run(letters, "SELECT * FROM K", **bindings)


def test_a_binding_without_a_value_is_refused_even_if_unused(letters: Wire) -> None:
    request = get_message_class("RunQueryRequest")()
    request.partition_id.CopyFrom(letters.key("K").partition_id)
    request.gql_query.query_string = "SELECT * FROM K"
    request.gql_query.named_bindings["a"].SetInParent()
    with refuses(StatusCode.INVALID_ARGUMENT, "parameter is empty"):
        letters.call("RunQuery", request)


def test_a_positional_binding_without_a_place_is_refused(letters: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "Unused positional binding: 2"):
        run(letters, "SELECT * FROM K WHERE p = @1", 1, 2)
    with refuses(StatusCode.INVALID_ARGUMENT, "Unused positional binding: 1"):
        run(letters, "SELECT * FROM K WHERE p = @2", 1, 2)


def test_literals_can_be_forbidden(letters: Wire) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "Disallowed literal"):
        run(letters, "SELECT * FROM K WHERE p = 1", literals=False)
    with refuses(StatusCode.INVALID_ARGUMENT, "Disallowed literal"):
        run(letters, "SELECT * FROM K LIMIT 1", literals=False)


@pytest.mark.lacks("classic", "it has no aggregations")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) AS n, SUM(p) AS s FROM K WHERE p > 1",
        "AGGREGATE COUNT(*) AS n, SUM(p) AS s OVER (SELECT * FROM K WHERE p > 1)",
    ],
)
def test_a_text_may_aggregate(letters: Wire, text: str) -> None:
    request = get_message_class("RunAggregationQueryRequest")()
    request.partition_id.CopyFrom(letters.key("K").partition_id)
    request.gql_query.query_string, request.gql_query.allow_literals = text, True
    batch = letters.call("RunAggregationQuery", request).batch
    values = batch.aggregation_results[0].aggregate_properties
    assert {name: read_value(value) for name, value in values.items()} == {"n": 3, "s": 9}
