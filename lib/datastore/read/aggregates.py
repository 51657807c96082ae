"""Counts, sums and averages that the service computes from indexes without reading entities."""

from dataclasses import dataclass
from typing import Any

from lib.datastore.keys import write_partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read import queries
from lib.datastore.read.queries import Query
from lib.datastore.read.query_message import write_query
from lib.datastore.read.read_options import STRONG, ReadOptions
from lib.datastore.read.results import check_count
from lib.datastore.rpc.service import Service
from lib.errors import Invalid

#: The maximum number of aggregations in one call, according to Google's documentation.
MAX_AGGREGATIONS = 5


@dataclass(frozen=True, slots=True)
class Count:
    """The number of results; counting stops at `up_to`."""

    up_to: int | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of an indexed field's numbers; 0 when there are none."""

    field: str


@dataclass(frozen=True, slots=True)
class Avg:
    """The average of an indexed field's numbers; None when there are none."""

    field: str


Aggregation = Count | Sum | Avg


def aggregate(
    service: Service,
    codecs: Codecs,
    query: Query[Any],
    wanted: dict[str, Aggregation],
    options: ReadOptions = STRONG,
) -> dict[str, int | float | None]:
    """Compute up to 5 aggregations, by name, in one call."""
    if not 0 < len(wanted) <= MAX_AGGREGATIONS:
        raise Invalid(
            f"one call computes 1 to {MAX_AGGREGATIONS} aggregations", field="aggregations"
        )
    request = service.request("RunAggregationQuery")
    write_partition(codecs.partition, None, request.partition_id)
    request.aggregation_query.nested_query.CopyFrom(write_query(codecs, query))
    for name, aggregation in wanted.items():
        _write(query, aggregation, request.aggregation_query.aggregations.add(alias=name))
    options.mark(request)
    response = service.call("RunAggregationQuery", request, codes=options.codes)
    properties = response.batch.aggregation_results[0].aggregate_properties
    return {name: _read(properties[name]) for name in wanted}


def _write(query: Query[Any], aggregation: Aggregation, into: Any) -> None:
    if isinstance(aggregation, Count):
        into.count.SetInParent()
        if aggregation.up_to is not None:
            into.count.up_to.value = check_count(aggregation.up_to, "up_to")
        return
    found = queries.find(query.model, aggregation.field)
    if found.field is None:
        raise Invalid("a key is not a number", field=aggregation.field)
    operator = into.sum if isinstance(aggregation, Sum) else into.avg
    operator.property.name = found.stored


def _read(pb: Any) -> int | float | None:
    if pb.HasField("null_value"):
        return None
    return pb.integer_value if pb.HasField("integer_value") else pb.double_value  # type: ignore[no-any-return]
