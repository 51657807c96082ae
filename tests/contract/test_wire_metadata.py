"""The kinds that describe the others, and the plans of queries."""

from typing import Any

import pytest
from grpc import StatusCode

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Unindexed, Wire, list_names, read_properties, refuses

NOT_ON_FSD = pytest.mark.lacks("fsd", "it has no metadata queries")


@NOT_ON_FSD
def test_kinds_are_listed_while_they_have_entities(wire: Wire) -> None:
    wire.put("A", 1)
    wire.put("B", 1)
    wire.put("A", 1, "C", 1)
    assert wire.names("__kind__") == ["A", "B", "C"]
    wire.commit(wire.mutation("delete", ("B", 1)))
    assert wire.names("__kind__", project=["__key__"]) == ["A", "C"]
    assert wire.names("__kind__", ("__key__", ">", ("__kind__", "A"))) == ["C"]


@NOT_ON_FSD
def test_namespaces_are_listed_while_they_have_entities(wire: Wire) -> None:
    wire.put("A", 1)
    own, wire.namespace = wire.namespace, ""
    assert own in wire.names("__namespace__")
    assert wire.names("__namespace__", ("__key__", "=", ("__namespace__", own))) == [own]


@NOT_ON_FSD
def test_metadata_is_of_the_namespace_that_asked(wire: Wire) -> None:
    wire.put("A", 1)
    for kind in ("__namespace__", "__kind__", "__property__"):
        for result in wire.run(wire.query(kind)).entity_results:
            assert result.entity.key.partition_id.namespace_id == wire.namespace


@NOT_ON_FSD
def test_metadata_comes_in_the_order_of_its_keys_alone(wire: Wire) -> None:
    wire.put("A", 1, p=1)
    for order in (["-__key__"], ["property_representation"]):
        with refuses(StatusCode.INVALID_ARGUMENT, "ascending key|ascending order on __key__"):
            wire.names("__property__", order=order)
    with refuses(StatusCode.INVALID_ARGUMENT, "ascending key|comparison filters on __key__"):
        wire.names("__property__", ("property_representation", "=", "INT64"))


@NOT_ON_FSD
def test_indexed_properties_are_listed_with_their_types(wire: Wire) -> None:
    wire.put("A", 1, n=1, t="x", hidden=Unindexed(1), mixed=[1.5, True, None])
    wire.put("B", 1, other=1)
    batch = wire.run(wire.query("__property__"))
    found = {
        tuple(element.name for element in one.entity.key.path): sorted(
            read_properties(one.entity)["property_representation"]
        )
        for one in batch.entity_results
    }
    assert found == {
        ("A", "mixed"): ["BOOLEAN", "DOUBLE", "NULL"],
        ("A", "n"): ["INT64"],
        ("A", "t"): ["STRING"],
        ("B", "other"): ["INT64"],
    }
    inside = ("__key__", "has ancestor", ("__kind__", "B"))
    assert list_names(wire.run(wire.query("__property__", inside))) == ["other"]


def explain(wire: Wire, *, analyze: bool) -> Any:
    request = get_message_class("RunQueryRequest")(
        query=wire.query("K", ("a", "=", 1), ("b", "=", 2), order=["-c"])
    )
    request.partition_id.CopyFrom(wire.key("K").partition_id)
    request.explain_options.analyze = analyze
    return wire.call("RunQuery", request)


def test_a_plan_names_the_indexes_that_it_joins(local_wire: Wire) -> None:
    answer = explain(local_wire, analyze=False)
    used = [index["properties"] for index in answer.explain_metrics.plan_summary.indexes_used]
    assert used == ["(a ASC, c DESC, __name__ DESC)", "(b ASC, c DESC, __name__ DESC)"]
    assert not answer.HasField("batch")
    assert not answer.explain_metrics.HasField("execution_stats")


def test_an_analysis_counts_what_it_took(local_wire: Wire) -> None:
    local_wire.put_all({f"e{n}": {"a": 1, "b": n % 2 + 1, "c": n} for n in range(10)})
    answer = explain(local_wire, analyze=True)
    assert len(answer.batch.entity_results) == 5
    stats = answer.explain_metrics.execution_stats
    assert (stats.results_returned, stats.read_operations) == (5, 5)
    assert int(stats.debug_stats["index_entries_scanned"]) == 15


def test_an_aggregation_tells_its_plan_and_its_cost(local_wire: Wire) -> None:
    local_wire.put_all({f"e{n}": {"p": n} for n in range(10)})
    request = get_message_class("RunAggregationQueryRequest")()
    request.partition_id.CopyFrom(local_wire.key("K").partition_id)
    request.aggregation_query.nested_query.CopyFrom(local_wire.query("K", ("p", ">", 3)))
    request.aggregation_query.aggregations.add(count={})
    request.explain_options.SetInParent()
    planned = local_wire.call("RunAggregationQuery", request)
    used = [index["properties"] for index in planned.explain_metrics.plan_summary.indexes_used]
    assert used == ["(p ASC, __name__ ASC)"]
    assert not planned.HasField("batch")
    request.explain_options.analyze = True
    analyzed = local_wire.call("RunAggregationQuery", request)
    (result,) = analyzed.batch.aggregation_results
    assert result.aggregate_properties["property_1"].integer_value == 6
    stats = analyzed.explain_metrics.execution_stats
    assert (stats.results_returned, stats.read_operations) == (1, 1)
    assert stats.debug_stats["index_entries_scanned"] == "6"
