"""Queries in read-write transactions: they lock what they scan and find."""

from collections.abc import Iterator

from local.datastore.query.plan.planner import QueryPlan
from local.datastore.query.plan.prepared import Prepared
from local.datastore.query.run.execution import find_source
from local.datastore.query.run.reads import Read
from local.datastore.query.run.results import QueryOutcome, View, run_query
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.locks import Footprint


def lock_ranges(engine: StorageEngine, read: Read, prepared: Prepared) -> bytes:
    """Take shared locks on every index range that a query scans; return its partition's id."""
    partition = engine.ensure_partition(prepared.partition)
    ranges = [one for plan in prepared.plans for one in _list_ranges(engine, plan, partition)]
    read.lock(Footprint(ranges=ranges))
    return partition


def lock_query(engine: StorageEngine, read: Read, prepared: Prepared) -> QueryOutcome:
    """Run a query and take shared locks on its results; Aborted on contention."""
    partition = lock_ranges(engine, read, prepared)
    locked: set[bytes] = set()
    while True:
        with read.open_snapshot() as connection:
            outcome = run_query(engine, prepared, View(connection, None))
        found = {partition + path for path in outcome.paths}
        if found <= locked:
            return outcome
        # Before it was locked, an entity may have changed in an unindexed property: read it again.
        read.lock(Footprint(shared=found))
        locked |= found


def _list_ranges(
    engine: StorageEngine, plan: QueryPlan, partition: bytes
) -> Iterator[tuple[bytes, bytes]]:
    intervals = plan.base if plan.built else plan.intervals
    for leg in plan.legs:
        if leg.definition.kind:
            engine.ensure_index(partition, leg.definition)
        source = find_source(engine.catalog, partition, leg)
        if source is None:
            raise LookupError(f"the index has no id: {leg.definition}")
        table = b"i" if source.table == "entries" else b"e"
        for low, high in intervals:
            start, stop = (high.flip(), low.flip()) if leg.turned else (low, high)
            prefix = table + source.prefix
            yield prefix + start.edge, prefix + stop.edge
