"""Runs plans: opens their scans on a snapshot, and yields the hits in the query's order."""

import sqlite3
from collections.abc import Iterator, Sequence

from local.datastore.encoding.messages import get_message_class
from local.datastore.query.plan.intervals import Cut, Interval, contains
from local.datastore.query.plan.planner import Leg, QueryPlan
from local.datastore.query.run.grouped import GroupedScan
from local.datastore.query.run.scans import (
    Hit,
    ListScan,
    MergeJoin,
    RangeScan,
    Source,
    Stream,
    unite,
    walk,
)
from local.datastore.storage.catalog import Catalog
from local.datastore.storage.indexes import Definition, build_entries, collect_values
from local.datastore.storage.store import Stored, get_entity


class Execution:
    """The plans of one query on one snapshot of one partition."""

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog, partition: bytes) -> None:
        self.connection = connection
        self.partition = partition
        self._catalog = catalog
        self._scans: list[RangeScan | GroupedScan] = []

    @property
    def scanned(self) -> int:
        """The number of index entries read so far."""
        return sum(scan.scanned for scan in self._scans)

    def fetch(self, path: bytes) -> Stored:
        """Return the entity of a hit."""
        return get_entity(self.connection, self.partition + path)

    def walk(self, plans: Sequence[QueryPlan], start: Cut) -> Iterator[Hit]:
        """Yield the hits of all plans above a cut in order, with each position once."""
        walks = [self._walk_plan(plan, start) for plan in plans]
        return walks[0] if len(walks) == 1 else unite(walks)

    def _walk_plan(self, plan: QueryPlan, start: Cut) -> Iterator[Hit]:
        stream = (
            self._build(plan, plan.built) if plan.built else self._open(plan.legs, plan.intervals)
        )
        for hit in walk(stream, plan.layout.find_cut(start)):
            if plan.residual and not plan.admits(hit.position):
                continue
            if plan.layout.is_plain:
                yield hit
            else:
                yield hit._replace(position=plan.layout.build_position(hit.position))

    def _open(self, legs: Sequence[Leg], intervals: Sequence[Interval]) -> Stream:
        streams: list[RangeScan | GroupedScan] = []
        for leg in legs:
            source = find_source(self._catalog, self.partition, leg)
            if source is None:
                return ListScan([])
            scan = GroupedScan if leg.grouped else RangeScan
            streams.append(scan(self.connection, source, intervals))
        self._scans += streams
        return streams[0] if len(streams) == 1 else MergeJoin(streams)

    def _build(self, plan: QueryPlan, definition: Definition) -> Stream:
        """Compute the entries of an index that does not exist, from its possible entities."""
        hits = []
        parse = get_message_class("Entity").FromString
        for found in walk(self._open(plan.legs, plan.base), Cut(b"", False)):
            stored = self.fetch(found.path)
            values = collect_values(parse(stored.entity))
            for entry in build_entries(definition, values, found.path):
                if contains(plan.intervals, entry.body):
                    hits.append(Hit(entry.body, found.path, entry.multiple))
        return ListScan(hits)


def find_source(catalog: Catalog, partition: bytes, leg: Leg) -> Source | None:
    """Return the source of a leg's entries; None if its index never had any."""
    if not leg.definition.kind:
        return Source("entities", partition, leg.backward, False)
    index = catalog.find_index(partition, leg.definition)
    if index is None:
        return None
    return Source("entries", index + leg.prefix, leg.backward, leg.definition.key_descends)
