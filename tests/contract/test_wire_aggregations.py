"""Counts, sums and averages. The classic emulator has none of them."""

import math
from datetime import datetime
from typing import Any

import pytest
from grpc import StatusCode

from tests.contract.wire import Unindexed, Wire, refuses

pytestmark = pytest.mark.lacks("classic", "it has no aggregations")

COUNT: dict[str, Any] = {"count": {}}


def total(name: str) -> dict[str, Any]:
    return {"sum": {"property": {"name": name}}}


def average(name: str) -> dict[str, Any]:
    return {"avg": {"property": {"name": name}}}


def test_results_are_counted(wire: Wire) -> None:
    wire.put_all({f"e{n}": {"p": n} for n in range(7)})
    assert wire.aggregate(wire.query("K"), COUNT) == {"property_1": 7}
    assert wire.aggregate(wire.query("K", ("p", ">", 2)), COUNT) == {"property_1": 4}
    assert wire.aggregate(wire.query("K", limit={"value": 2}), COUNT) == {"property_1": 2}
    assert wire.aggregate(wire.query("K", offset=5), COUNT) == {"property_1": 2}
    assert wire.aggregate(wire.query("None"), COUNT) == {"property_1": 0}


def test_a_count_may_stop_early(wire: Wire) -> None:
    wire.put_all({f"e{n}": {} for n in range(7)})
    stop = {"count": {"up_to": {"value": 3}}}
    assert wire.aggregate(wire.query("K"), stop) == {"property_1": 3}
    assert wire.aggregate(wire.query("K"), stop, COUNT) == {"property_1": 3, "property_2": 7}


def test_sums_and_averages_are_of_numbers_only(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1}, "b": {"p": 4}, "c": {"p": "x"}, "d": {"p": None}, "e": {}})
    answer = wire.aggregate(wire.query("K"), {**total("p"), "alias": "s"}, average("p"))
    assert answer == {"s": 5, "property_1": 2.5}


def test_an_entity_without_the_indexed_property_does_not_count_beside_its_sum(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1}, "b": {"q": 4}, "c": {"p": Unindexed(5)}})
    assert wire.aggregate(wire.query("K"), COUNT, total("p")) == {"property_1": 1, "property_2": 1}


def test_nothing_sums_to_zero_and_has_no_average(wire: Wire) -> None:
    answer = wire.aggregate(wire.query("K"), total("p"), average("p"))
    assert answer == {"property_1": 0, "property_2": None}


def test_a_sum_beyond_64_bits_becomes_a_double(wire: Wire) -> None:
    wire.put_all({"a": {"p": 2**63 - 1}, "b": {"p": 1}})
    assert wire.aggregate(wire.query("K"), total("p")) == {"property_1": 2.0**63}


#: Entities of kind K, and what their ``p`` sums to, with the count beside it and the average.
EMBEDDED: dict[str, tuple[dict[str, dict[str, Any]], str, tuple[Any, int, Any]]] = {
    "an embedded property": ({"a": {"a": {"v": 2}}, "b": {"a": {"v": 5}}}, "a.v", (7, 2, 3.5)),
    "a deeply embedded one": (
        {"a": {"a": {"b": {"v": 2}}}, "b": {"a": {"b": 3}}},
        "a.b.v",
        (2, 1, 2.0),
    ),
    "what is not embedded everywhere": (
        {"a": {"a": {"b": {"v": 2}}}, "b": {"a": {"b": 3}}},
        "a.b",
        (3, 1, 3.0),
    ),
    "an entity": ({"a": {"a": {"v": 2}}, "b": {"a": {"v": 5}}}, "a", (0, 0, None)),
    "an embedded array": (
        {"a": {"a": {"v": [2, 3]}}, "b": {"a": {"v": 5}}},
        "a.v",
        (10, 3, 10 / 3),
    ),
    "a name with a dot": ({"a": {"a.v": 2}, "b": {"a": {"v": 5}}}, "a.v", (7, 2, 3.5)),
    "an unindexed one": (
        {"a": {"a": {"v": Unindexed(2)}}, "b": {"a": {"v": 5}}},
        "a.v",
        (5, 1, 5.0),
    ),
    "an array": ({"a": {"p": [1, 2, 3]}, "b": {"p": 10}}, "p", (16, 4, 4.0)),
    "an array with an equal element": ({"a": {"p": [2, 2]}, "b": {"p": 10}}, "p", (12, 2, 6.0)),
    "an array of several types": ({"a": {"p": ["x", 2]}, "b": {"p": 10}}, "p", (12, 3, 6.0)),
    "an empty array": ({"a": {"p": []}, "b": {"p": 10}}, "p", (10, 1, 10.0)),
    "a time, in microseconds": (
        {"a": {"p": datetime(1970, 1, 1, 0, 0, 1)}, "b": {"p": 2}},
        "p",
        (1_000_002, 2, 500_001.0),
    ),
    "every other type": (
        {
            "a": {"p": 1},
            "b": {"p": 2.5},
            "c": {"p": "x"},
            "d": {"p": None},
            "e": {"p": True},
            "f": {"p": b"x"},
            "g": {"p": {"z": 1}},
            "h": {},
        },
        "p",
        (3.5, 6, 1.75),
    ),
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_what_is_summed_is_what_the_index_of_a_property_has(wire: Wire, name: str) -> None:
    entities, summed, (expected, count, mean) = EMBEDDED[name]
    wire.put_all(entities)
    answer = wire.aggregate(wire.query("K"), {**total(summed), "alias": "s"}, COUNT)
    assert answer == {"s": expected, "property_1": count}
    assert wire.aggregate(wire.query("K"), average(summed)) == {"property_1": mean}


HUGE: dict[str, tuple[list[int | float], float | int, float]] = {
    "two of 1e308": ([1e308, 1e308], math.inf, math.inf),
    "two of -1e308": ([-1e308, -1e308], -math.inf, -math.inf),
    "infinity": ([math.inf, 1], math.inf, math.inf),
    "more than 64 bits": ([2**63 - 1, 1], 2.0**63, 2.0**62),
    "less than 64 bits": ([-(2**63), -1], -(2.0**63), -(2.0**62)),
    "64 bits in the end": ([2**63 - 1, 1, -1], 2**63 - 1, (2**63 - 1) / 3),
    "integers and a double": ([2**63 - 1, 2**63 - 1, 1.5], 2.0**64, 2.0**64 / 3),
    "whole doubles": ([1.0, 2.0], 3.0, 1.5),
    "tenths": ([0.1] * 10, 1.0, 0.1),
}


@pytest.mark.parametrize("name", HUGE)
def test_sums_of_large_numbers(wire: Wire, name: str) -> None:
    numbers, expected, mean = HUGE[name]
    wire.put_all({f"e{n}": {"p": number} for n, number in enumerate(numbers)})
    answer = wire.aggregate(wire.query("K"), total("p"), average("p"))
    assert answer == {"property_1": expected, "property_2": mean}
    assert isinstance(answer["property_1"], type(expected))


def test_infinities_of_both_signs_add_up_to_no_number(wire: Wire) -> None:
    wire.put_all({"a": {"p": math.inf}, "b": {"p": -math.inf}})
    assert math.isnan(wire.aggregate(wire.query("K"), total("p"))["property_1"])


def test_huge_numbers_that_cancel_out_leave_the_exact_sum(local_wire: Wire) -> None:
    """The emulator adds in whatever order it has them, and may answer infinity."""
    wire = local_wire
    wire.put_all({"a": {"p": 1e308}, "b": {"p": 1e308}, "c": {"p": -1e308}})
    assert wire.aggregate(wire.query("K"), total("p")) == {"property_1": 1e308}


NUMBERS = {name: {"p": 5 - n, "q": 4 + n} for n, name in enumerate("abcde")}
ITS_OWN = pytest.mark.deviation("fsd", "it takes the first by what is summed up")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"limit": {"value": 2}}, 9, marks=ITS_OWN, id="by key"),
        pytest.param({"limit": {"value": 2}, "offset": 1}, 7, marks=ITS_OWN, id="offset"),
        pytest.param({"offset": 3}, 3, marks=ITS_OWN, id="offset alone"),
        pytest.param({"limit": {"value": 2}, "order": ["p"]}, 3, id="ascending"),
        pytest.param({"limit": {"value": 2}, "order": ["-p"]}, 9, id="descending"),
        pytest.param({"limit": {"value": 2}, "order": ["q"]}, 9, id="by another property"),
        pytest.param({"limit": {"value": 0}}, 0, id="none"),
        pytest.param({"offset": 9}, 0, id="beyond"),
    ],
)
def test_a_limited_sum_is_of_the_first_results_in_the_querys_own_order(
    wire: Wire, fields: dict[str, Any], expected: int
) -> None:
    wire.put_all(NUMBERS)
    answer = wire.aggregate(wire.query("K", **fields), total("p"))
    assert answer == {"property_1": expected}


@ITS_OWN
def test_a_limited_sum_below_an_ancestor_is_of_the_first_by_key(wire: Wire) -> None:
    """Google's own tests of its clients hold production to that."""
    mutations = [
        wire.mutation("upsert", ("P", 1, "K", name), **values) for name, values in NUMBERS.items()
    ]
    wire.commit(*mutations, wire.mutation("upsert", ("P", 2, "K", "z"), p=100))
    below = ("__key__", "has ancestor", ("P", 1))
    assert wire.aggregate(wire.query("K", below), total("p"), COUNT) == {
        "property_1": 15,
        "property_2": 5,
    }
    for offset, expected in ((0, 9), (1, 7)):
        query = wire.query("K", below, limit={"value": 2}, offset=offset)
        assert wire.aggregate(query, total("p")) == {"property_1": expected}
        mean = wire.aggregate(query, average("p"), COUNT)
        assert mean == {"property_1": expected / 2, "property_2": 2}


def test_a_sum_is_of_the_values_that_pass_the_filter(wire: Wire) -> None:
    wire.put_all({"a": {"p": [5, 1]}, "b": {"p": [4, 2]}, "c": {"p": 3}})
    answer = wire.aggregate(wire.query("K", ("p", ">", 3)), total("p"), COUNT)
    assert answer == {"property_1": 9, "property_2": 2}
    first = wire.query("K", order=["p"], limit={"value": 2})
    assert wire.aggregate(first, total("p")) == {"property_1": 3}
    assert wire.aggregate(wire.query("K", ("p", "=", 3)), total("p")) == {"property_1": 3}


def test_a_sum_over_a_projection_is_over_its_rows(wire: Wire) -> None:
    wire.put_all({"a": {"p": [1, 5]}, "b": {"p": [2, 3]}, "c": {"p": 4}})
    projected = wire.query("K", project=["p"])
    assert wire.aggregate(projected, total("p"), COUNT) == {"property_1": 15, "property_2": 5}
    wire.put_all({"d": {"p": 5}})
    distinct = wire.query("K", project=["p"], distinct=["p"])
    assert wire.aggregate(distinct, total("p")) == {"property_1": 15}


@pytest.mark.parametrize("name", ["", "__key__", "__x__", "x" * 1501])
def test_what_no_property_is_called_is_not_summed(wire: Wire, name: str) -> None:
    for aggregation in (total(name), average(name)):
        with refuses(StatusCode.INVALID_ARGUMENT, "(?i)empty|not supported|reserved|longer"):
            wire.aggregate(wire.query("K"), aggregation)


@pytest.mark.parametrize("alias", ["__x__", "x" * 1501])
def test_an_alias_is_a_name_like_any_other(wire: Wire, alias: str) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT, "reserved|longer"):
        wire.aggregate(wire.query("K"), {**COUNT, "alias": alias})


def test_what_is_not_a_number_makes_the_sum_so(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1}, "b": {"p": math.nan}})
    assert math.isnan(wire.aggregate(wire.query("K"), total("p"))["property_1"])


@pytest.mark.parametrize("aggregations", [[], [COUNT] * 6, [{**COUNT, "alias": "a"}] * 2, [{}]])
def test_malformed_aggregations_are_refused(
    local_wire: Wire, aggregations: list[dict[str, Any]]
) -> None:
    with refuses(
        StatusCode.INVALID_ARGUMENT,
        "one to 5 aggregations|aliases of aggregations|must have an operator",
    ):
        local_wire.aggregate(local_wire.query("K"), *aggregations)


def test_what_is_not_projected_can_be_counted_and_not_summed(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1, "q": 1}, "b": {"p": 2, "q": 1}})
    assert wire.aggregate(wire.query("K", project=["p"]), total("p")) == {"property_1": 3}
    for projection in ("__key__", "q"):
        query = wire.query("K", project=[projection])
        assert wire.aggregate(query, COUNT) == {"property_1": 2}
        for aggregation in (total("p"), average("p")):
            with refuses(StatusCode.INVALID_ARGUMENT, "base query"):
                wire.aggregate(query, aggregation)


def test_what_lacks_the_summed_property_is_not_skipped_or_counted(wire: Wire) -> None:
    wire.put_all({"a": {"q": 1}, "b": {"p": 5}, "c": {"p": Unindexed(7)}, "d": {"p": 9}})
    assert wire.aggregate(wire.query("K", offset=1), COUNT, total("p")) == {
        "property_1": 1,
        "property_2": 9,
    }
    assert wire.aggregate(wire.query("K", limit={"value": 1}), total("p")) == {"property_1": 5}
