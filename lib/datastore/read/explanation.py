"""The cost of a query: the indexes that it uses, and what it read."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib.datastore.keys import write_partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.read.queries import Query
from lib.datastore.read.query_message import write_query
from lib.datastore.read.results import check_count
from lib.datastore.rpc.service import Service


@dataclass(frozen=True, slots=True)
class Explanation:
    """A query's plan, and its cost: None unless it was run."""

    indexes_used: tuple[dict[str, Any], ...]
    results: int | None
    read_operations: int | None
    duration: timedelta | None


def explain(
    service: Service, codecs: Codecs, query: Query[Any], limit: int, *, analyze: bool
) -> Explanation | None:
    """Return the plan; with `analyze`, also run the query. None if the server has no plans."""
    request = service.request("RunQuery")
    write_partition(codecs.partition, None, request.partition_id)
    request.query.CopyFrom(write_query(codecs, query))
    request.query.limit.value = check_count(limit, "limit")
    request.explain_options.analyze = analyze
    response = service.call("RunQuery", request)
    if not response.HasField("explain_metrics"):
        return None
    metrics = response.explain_metrics
    indexes = tuple(dict(index) for index in metrics.plan_summary.indexes_used)
    if not metrics.HasField("execution_stats"):
        return Explanation(indexes, None, None, None)
    stats = metrics.execution_stats
    duration = stats.execution_duration.ToTimedelta()
    return Explanation(indexes, stats.results_returned, stats.read_operations, duration)
