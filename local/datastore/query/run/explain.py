"""Explain metrics: the indexes of a query's plan, and the cost of its execution."""

import math
from typing import Any

from local.datastore.encoding.messages import Message
from local.datastore.query.plan.planner import Leg
from local.datastore.query.plan.prepared import Prepared
from local.datastore.query.run.results import QueryOutcome

_ENTRIES_A_READ = 1000


def describe_plan(metrics: Message, prepared: Prepared) -> None:
    """Write the indexes that a query scans into its metrics."""
    described: list[tuple[str, str]] = []
    for plan in prepared.plans:
        for leg in plan.legs:
            one = _describe_leg(leg)
            if one not in described:
                described.append(one)
    for scope, properties in described:
        index = metrics.plan_summary.indexes_used.add()
        index["query_scope"] = scope
        index["properties"] = properties


def _describe_leg(leg: Leg) -> tuple[str, str]:
    definition = leg.definition
    columns = [(name, down != leg.turned) for name, down in definition.value_columns]
    columns.append(("__name__", definition.key_descends != leg.backward))
    text = ", ".join(f"{name} {'DESC' if down else 'ASC'}" for name, down in columns)
    return "Includes ancestors" if definition.ancestor else "Collection group", f"({text})"


def describe_outcome(
    metrics: Message, prepared: Prepared, outcome: QueryOutcome, microseconds: int
) -> None:
    """Write the cost of one batch of a query: one read per entity, or one for all keys."""
    returned = len(outcome.batch.entity_results)
    fetched = 0 if prepared.keys_only or prepared.projection else returned
    _describe_execution(metrics, returned, max(1, fetched), microseconds)
    stats: Any = metrics.execution_stats
    stats.debug_stats["index_entries_scanned"] = str(outcome.scanned)
    stats.debug_stats["documents_scanned"] = str(fetched)


def describe_aggregation(metrics: Message, scanned: int, microseconds: int) -> None:
    """Write the cost of an aggregation: one read per thousand index entries, rounded up."""
    _describe_execution(metrics, 1, max(1, math.ceil(scanned / _ENTRIES_A_READ)), microseconds)
    stats: Any = metrics.execution_stats
    stats.debug_stats["index_entries_scanned"] = str(scanned)


def _describe_execution(metrics: Message, returned: int, reads: int, microseconds: int) -> None:
    stats: Any = metrics.execution_stats
    stats.results_returned = returned
    stats.read_operations = reads
    stats.execution_duration.FromMicroseconds(microseconds)
