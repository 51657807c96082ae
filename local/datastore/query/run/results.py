"""Runs a query: returns one batch of results with its cursors."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from local.datastore.encoding.keys import decode_path, set_partition
from local.datastore.encoding.messages import EntityResult, QueryResultBatch, get_message_class
from local.datastore.encoding.ordered import invert
from local.datastore.encoding.values import decode_value
from local.datastore.query.plan.intervals import START, contains
from local.datastore.query.plan.layout import split_position
from local.datastore.query.plan.metadata import METADATA_KINDS, list_metadata
from local.datastore.query.plan.prepared import Prepared
from local.datastore.query.run.execution import Execution
from local.datastore.query.run.past import PastExecution
from local.datastore.query.run.scans import Hit, ListScan, walk
from local.datastore.storage.clock import set_timestamp
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.indexes import build_entries, collect_values
from local.datastore.storage.store import Stored

#: The maximum number of results and bytes in a batch: the client's channel receives at most
#: 4 MiB.
BATCH_RESULTS = 300
BATCH_BYTES = 3 * 1024 * 1024


class View(NamedTuple):
    """What a query reads: a snapshot, and the read time if it is in the past."""

    connection: sqlite3.Connection
    time: int | None


@dataclass(slots=True)
class QueryOutcome:
    """A batch, the paths of its entities, and the number of index entries read."""

    batch: QueryResultBatch
    paths: list[bytes] = field(default_factory=list)
    scanned: int = 0


def run_query(engine: StorageEngine, prepared: Prepared, view: View) -> QueryOutcome:
    """Return the next batch of a query's results."""
    batch = QueryResultBatch()
    batch.entity_result_type = _get_result_type(prepared)
    outcome = QueryOutcome(batch)
    if prepared.kind in METADATA_KINDS:
        _read_metadata(engine, prepared, view.connection, outcome)
        return outcome
    execution = open_execution(engine, prepared, view)
    if execution is None:
        batch.more_results = batch.NO_MORE_RESULTS
        batch.end_cursor = prepared.start_cursor
        return outcome
    _Reader(prepared, outcome, execution.fetch).read(list_hits(prepared, execution))
    outcome.scanned = execution.scanned
    return outcome


def open_execution(
    engine: StorageEngine, prepared: Prepared, view: View
) -> Execution | PastExecution | None:
    """Return the execution of a query's plans; None if its partition never had data."""
    partition = engine.catalog.find_partition(prepared.partition)
    if partition is None:
        return None
    present = Execution(view.connection, engine.catalog, partition)
    return present if view.time is None else PastExecution(present, view.time)


def _read_metadata(
    engine: StorageEngine, prepared: Prepared, connection: sqlite3.Connection, outcome: QueryOutcome
) -> None:
    found = list_metadata(prepared.kind, connection, engine.catalog, prepared.partition)
    hits = ListScan(
        [
            Hit(path, path, False)
            for path in found
            if any(contains(plan.base, path) for plan in prepared.plans)
        ]
    )
    _Reader(prepared, outcome, lambda path: Stored(0, 0, found[path].SerializeToString())).read(
        walk(hits, prepared.start)
    )


def _get_result_type(prepared: Prepared) -> int:
    result = get_message_class("EntityResult")
    if prepared.projection is None:
        return int(result.FULL)
    return int(result.KEY_ONLY if prepared.keys_only else result.PROJECTION)


def list_hits(prepared: Prepared, execution: Execution | PastExecution) -> Iterator[Hit]:
    """Yield the hits of a query after its start cursor: each entity (or, in a projection, each
    combination of values) once, and each distinct combination once.
    """
    hits = list_positions(prepared, execution)
    return hits if prepared.projection else _drop_repetitions(prepared, hits, execution)


def list_positions(prepared: Prepared, execution: Execution | PastExecution) -> Iterator[Hit]:
    """Yield the hits after the start cursor, with an entity at each of its positions."""
    hits = execution.walk(prepared.plans, prepared.start)
    return _drop_indistinct(prepared, hits) if prepared.distinct else hits


def _drop_repetitions(
    prepared: Prepared, hits: Iterator[Hit], execution: Execution | PastExecution
) -> Iterator[Hit]:
    """Yield an entity only at its first position."""
    seen: set[bytes] = set()
    for hit in hits:
        if hit.multiple:
            if hit.path in seen:
                continue
            if prepared.start != START and _was_before(prepared, hit, execution.fetch(hit.path)):
                continue
            seen.add(hit.path)
        yield hit


def _was_before(prepared: Prepared, hit: Hit, stored: Stored) -> bool:
    """Tell whether the entity of a hit also has a position before the start cursor."""
    values = collect_values(get_message_class("Entity").FromString(stored.entity))
    for plan in prepared.plans:
        if not plan.selects(values):
            continue
        for entry in build_entries(plan.build_definition(), values, hit.path):
            position = plan.layout.build_position(entry.body)
            if position < prepared.start.edge and plan.admits(entry.body):
                return True
    return False


def _drop_indistinct(prepared: Prepared, hits: Iterator[Hit]) -> Iterator[Hit]:
    last = _get_group(prepared, prepared.start.value) if prepared.start.after else None
    for hit in hits:
        group = _get_group(prepared, hit.position)
        if group != last:
            last = group
            yield hit


def _get_group(prepared: Prepared, position: bytes) -> list[bytes]:
    return split_position(position, prepared.columns)[: prepared.distinct]


class _Reader:
    """Fills one batch."""

    def __init__(
        self,
        prepared: Prepared,
        outcome: QueryOutcome,
        fetch: Callable[[bytes], Stored],
    ) -> None:
        self._prepared = prepared
        self._fetch = fetch
        self._outcome = outcome
        self._batch = outcome.batch
        self._size = 0

    def read(self, hits: Iterator[Hit]) -> None:
        """Add hits until the limit, the end cursor or the size of a batch."""
        prepared, batch = self._prepared, self._batch
        position, skipped = None, b""
        batch.more_results = batch.NO_MORE_RESULTS
        for hit in hits:
            if prepared.ends_before(hit.position):
                batch.more_results = batch.MORE_RESULTS_AFTER_CURSOR
                break
            if batch.skipped_results < prepared.offset:
                batch.skipped_results += 1
                skipped = hit.position
            elif len(batch.entity_results) == prepared.limit:
                batch.more_results = batch.MORE_RESULTS_AFTER_LIMIT
                break
            elif not self._add(hit):
                batch.more_results = batch.NOT_FINISHED
                break
            position = hit.position
        if prepared.limit == 0:
            batch.more_results = batch.MORE_RESULTS_AFTER_LIMIT
        encode = prepared.cursors.encode
        batch.end_cursor = prepared.start_cursor if position is None else encode(position)
        if skipped:
            batch.skipped_cursor = encode(skipped)

    def _add(self, hit: Hit) -> bool:
        """Add a result unless the batch is full."""
        if len(self._batch.entity_results) >= BATCH_RESULTS:
            return False
        stored = None
        if not self._prepared.keys_only:
            stored = self._fetch(hit.path)
        length = len(stored.entity) if stored else len(hit.path)
        if self._size and self._size + length > BATCH_BYTES:
            return False
        self._size += length + len(hit.position)
        self._fill(self._batch.entity_results.add(), hit, stored)
        self._outcome.paths.append(hit.path)
        return True

    def _fill(self, result: EntityResult, hit: Hit, stored: Stored | None) -> None:
        result.cursor = self._prepared.cursors.encode(hit.position)
        if stored is not None and stored.version:
            result.version = stored.version
            set_timestamp(result.create_time, stored.created)
            set_timestamp(result.update_time, stored.version)
        if stored is not None and self._prepared.projection is None:
            result.entity.ParseFromString(stored.entity)
            return
        set_partition(result.entity.key, self._prepared.partition)
        decode_path(hit.path, 0, result.entity.key)
        if self._prepared.projection:
            self._project(result, hit)

    def _project(self, result: EntityResult, hit: Hit) -> None:
        columns, projection = self._prepared.columns, self._prepared.projection or []
        components = split_position(hit.position, columns)
        for (name, descends), component in zip(columns, components, strict=False):
            if name in projection:
                encoded = invert(component) if descends else component
                decode_value(encoded, 0, result.entity.properties[name])
