"""What a query's plan uses and what its execution cost, as explain metrics."""

from typing import Any

from local.datastore.messages import Message
from local.datastore.planner import Leg
from local.datastore.query import Prepared
from local.datastore.results import Outcome


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


def describe_execution(
    metrics: Message, returned: int, scanned: int, fetched: int, microseconds: int
) -> None:
    """Write what an execution cost: an entity or a started batch of index entries is a read."""
    stats: Any = metrics.execution_stats
    stats.results_returned = returned
    stats.read_operations = max(1, fetched)
    stats.execution_duration.FromMicroseconds(microseconds)
    stats.debug_stats["index_entries_scanned"] = str(scanned)
    stats.debug_stats["documents_scanned"] = str(fetched)


def describe_outcome(
    metrics: Message, prepared: Prepared, outcome: Outcome, microseconds: int
) -> None:
    """Write what one batch of a query cost."""
    returned = len(outcome.batch.entity_results)
    fetched = 0 if prepared.keys_only or prepared.projection else returned
    describe_execution(metrics, returned, outcome.scanned, fetched, microseconds)
