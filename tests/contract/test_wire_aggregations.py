"""Counts, sums and averages. The classic emulator has none of them."""

import math
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


def test_what_is_not_a_number_makes_the_sum_so(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1}, "b": {"p": math.nan}})
    assert math.isnan(wire.aggregate(wire.query("K"), total("p"))["property_1"])


@pytest.mark.parametrize("aggregations", [[], [COUNT] * 6, [{**COUNT, "alias": "a"}] * 2, [{}]])
def test_malformed_aggregations_are_refused(
    local_wire: Wire, aggregations: list[dict[str, Any]]
) -> None:
    with refuses(StatusCode.INVALID_ARGUMENT):
        local_wire.aggregate(local_wire.query("K"), *aggregations)


def test_what_is_not_projected_can_be_counted_and_not_summed(wire: Wire) -> None:
    wire.put_all({"a": {"p": 1, "q": 1}, "b": {"p": 2, "q": 1}})
    assert wire.aggregate(wire.query("K", project=["p"]), total("p")) == {"property_1": 3}
    for projection in ("__key__", "q"):
        query = wire.query("K", project=[projection])
        assert wire.aggregate(query, COUNT) == {"property_1": 2}
        for aggregation in (total("p"), average("p")):
            with refuses(StatusCode.INVALID_ARGUMENT):
                wire.aggregate(query, aggregation)


def test_what_lacks_the_summed_property_is_not_skipped_or_counted(wire: Wire) -> None:
    wire.put_all({"a": {"q": 1}, "b": {"p": 5}, "c": {"p": Unindexed(7)}, "d": {"p": 9}})
    assert wire.aggregate(wire.query("K", offset=1), COUNT, total("p")) == {
        "property_1": 1,
        "property_2": 9,
    }
    assert wire.aggregate(wire.query("K", limit={"value": 1}), total("p")) == {"property_1": 5}
