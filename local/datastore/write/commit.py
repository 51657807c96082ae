"""Applies a commit under locks: all of its mutations with their index entries, or none."""

import sqlite3
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from local.datastore.encoding.messages import Entity, MutationResult, get_message_class
from local.datastore.encoding.value_checks import check_entity
from local.datastore.storage.clock import get_microseconds, set_timestamp
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.history import keep_version
from local.datastore.storage.indexes import build_entries, check_entry_count, collect_values
from local.datastore.storage.locks import Footprint
from local.datastore.storage.store import Stored, fetch_entity
from local.datastore.write.mutations import Change
from local.datastore.write.paths import (
    copy_entity,
    merge_properties,
    parse_mask,
    pick_properties,
)
from local.datastore.write.transforms import apply_transforms
from local.rpc.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

Entries = dict[bytes, tuple[int, bool]]


class _MustWait(Exception):
    """Another transaction has scanned a range that this commit changes."""

    def __init__(self, points: list[bytes]) -> None:
        super().__init__(points)
        self.points = points


@dataclass(slots=True)
class _Row:
    """One entity during a commit."""

    change: Change
    before: Stored | None
    original: Entity | None
    entity: Entity | None
    created: int
    written: bool = False
    results: list[MutationResult] = field(default_factory=list)


@dataclass(slots=True)
class CommitOutcome:
    """The result of a commit."""

    version: int
    results: list[MutationResult] = field(default_factory=list)
    index_updates: int = 0


def apply_changes(
    engine: StorageEngine, changes: Sequence[Change], owner: Hashable, patience: timedelta
) -> CommitOutcome:
    """Commit the changes in order; ``owner`` then holds the locks that this took.

    Raises AlreadyExists, NotFound, FailedPrecondition (a stale version) or Aborted, and then writes
    nothing.
    """
    addresses = {change.address for change in changes}
    engine.locks.acquire(owner, Footprint(exclusive=addresses), patience)
    while True:
        try:
            with engine.write() as writer:
                return _apply(engine, writer, changes, owner)
        except _MustWait as conflict:
            engine.locks.acquire(owner, Footprint(points=conflict.points), patience)


def _apply(
    engine: StorageEngine, writer: sqlite3.Connection, changes: Sequence[Change], owner: Hashable
) -> CommitOutcome:
    outcome = CommitOutcome(engine.clock.next_version())
    rows: dict[bytes, _Row] = {}
    for change in changes:
        row = rows.get(change.address) or _load_row(writer, change)
        rows[change.address] = row
        row.results.append(_apply_one(row, change, outcome.version))
        outcome.results.append(row.results[-1])
    for row in rows.values():
        _forget_idle_write(row)
    written = [row for row in rows.values() if row.written]
    updates = [_diff_entries(engine, writer, row) for row in written]
    _lock_points(engine, owner, written, updates)
    for row, (removed, added) in zip(written, updates, strict=True):
        _write_row(writer, row, outcome.version)
        if removed:
            writer.executemany("DELETE FROM entries WHERE entry = ?", [(one,) for one in removed])
        if added:
            writer.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                [(entry, *rest) for entry, rest in added.items()],
            )
        outcome.index_updates += len(removed) + len(added)
    return outcome


def _load_row(writer: sqlite3.Connection, change: Change) -> _Row:
    before = fetch_entity(writer, change.address)
    entity = get_message_class("Entity").FromString(before.entity) if before else None
    return _Row(change, before, entity, entity, before.created if before else 0)


def _apply_one(row: _Row, change: Change, version: int) -> MutationResult:
    result = MutationResult()
    if change.allocated:
        result.key.CopyFrom(change.key)
    if _is_stale(row, change):
        result.conflict_detected = True
        _set_result(result, row, row.before.version if row.before else version)
        return result
    if change.operation == "insert" and row.entity is not None:
        raise AlreadyExists(f"entity already exists: {_describe(change)}")
    if change.operation == "update" and row.entity is None:
        raise NotFound(f"no entity to update: {_describe(change)}")
    if change.operation == "delete":
        row.entity = None
    else:
        written = _build_entity(row, change, version, result)
        if written == row.entity:
            # As in the service, a mutation that changes nothing creates no new version.
            current = row.before.version if row.before and not row.written else version
            _set_result(result, row, current)
            return result
        row.created = row.created if row.entity is not None else version
        row.entity = written
    row.written = True
    _set_result(result, row, version)
    return result


def _forget_idle_write(row: _Row) -> None:
    """Undo the new version of an entity whose mutations together change nothing."""
    if row.written and row.before is not None and row.entity == row.original:
        row.written, row.created = False, row.before.created
        for result in row.results:
            _set_result(result, row, row.before.version)


def _build_entity(row: _Row, change: Change, version: int, result: MutationResult) -> Entity:
    """Return the entity to store, after the mutation's mask and transforms."""
    mutation = change.mutation
    written: Entity = getattr(mutation, change.operation)
    if mutation.HasField("property_mask"):
        paths = parse_mask(mutation.property_mask)
        if row.entity is None:
            written = pick_properties(written, paths)
        else:
            written = merge_properties(row.entity, written, paths)
    if mutation.property_transforms:
        # A copy, because the commit may have to wait and apply its mutations again.
        written = copy_entity(written)
        transformed = apply_transforms(written, mutation.property_transforms, version)
        result.transform_results.extend(transformed)
    if mutation.HasField("property_mask") or mutation.property_transforms:
        check_entity(written, change.partition[:2])
    return written


def _describe(change: Change) -> str:
    steps = "/".join(f"{one.kind}/{one.name or one.id}" for one in change.key.path)
    return f"{change.partition.project}!{change.partition.namespace}:/{steps}"


def _is_stale(row: _Row, change: Change) -> bool:
    mutation = change.mutation
    detection = mutation.WhichOneof("conflict_detection_strategy")
    if detection is None or row.written:
        return False
    stored = row.before.version if row.before else 0
    if detection == "base_version":
        _check_base_version(change)
        stated = mutation.base_version
    else:
        stated = get_microseconds(mutation.update_time)
    if stated == stored:
        return False
    if mutation.conflict_resolution_strategy == mutation.FAIL:
        raise FailedPrecondition(
            f"the stored version ({stored}) does not match the required base version ({stated})"
        )
    return True


def _check_base_version(change: Change) -> None:
    if change.operation == "insert" and change.mutation.base_version > 0:
        raise InvalidArgument("Cannot insert an entity with a base version greater than zero.")
    if change.operation == "update" and change.mutation.base_version == 0:
        raise InvalidArgument("Cannot update an entity with a base version set to zero.")


def _set_result(result: Any, row: _Row, version: int) -> None:
    result.version = version
    if row.entity is not None:
        set_timestamp(result.update_time, version)
        set_timestamp(result.create_time, row.created)


def _diff_entries(
    engine: StorageEngine, writer: sqlite3.Connection, row: _Row
) -> tuple[list[bytes], Entries]:
    old: Entries = {}
    if row.original is not None:
        old = _list_entries(engine, writer, row.change, row.original)
    new = _list_entries(engine, writer, row.change, row.entity) if row.entity is not None else {}
    removed = [entry for entry in old if entry not in new]
    return removed, {entry: rest for entry, rest in new.items() if old.get(entry) != rest}


def _list_entries(
    engine: StorageEngine, writer: sqlite3.Connection, change: Change, entity: Entity
) -> Entries:
    """Return an entity's entries: in its kind's index, of each indexed value, and composite."""
    kind, path, partition = entity.key.path[-1].kind, change.path, change.partition_id
    values = collect_values(entity)
    catalog = engine.catalog
    length = len(path)
    entries: Entries = {catalog.ensure_index(writer, partition, kind) + path: (length, False)}
    for name, encoded in values.items():
        index = catalog.ensure_index(writer, partition, kind, name)
        for one in encoded:
            entries[index + one + path] = (length, len(encoded) > 1)
    for definition in catalog.composites.get(kind, ()):
        for body, _, multiple in build_entries(definition, values, path):
            index = catalog.ensure_definition(writer, partition, definition)
            entries[index + body] = (length, multiple)
    check_entry_count(len(entries))
    return entries


def _lock_points(
    engine: StorageEngine,
    owner: Hashable,
    rows: Sequence[_Row],
    updates: Sequence[tuple[list[bytes], Entries]],
) -> None:
    points = [
        b"e" + row.change.address for row in rows if (row.before is None) != (row.entity is None)
    ]
    for removed, added in updates:
        points += [b"i" + entry for entry in removed]
        points += [b"i" + entry for entry in added]
    points.sort()
    if not engine.locks.try_acquire(owner, Footprint(points=points)):
        raise _MustWait(points)


def _write_row(writer: sqlite3.Connection, row: _Row, version: int) -> None:
    address = row.change.address
    if row.before is not None:
        keep_version(writer, address, version, row.before)
    if row.entity is None:
        writer.execute("DELETE FROM entities WHERE key = ?", (address,))
        return
    writer.execute(
        "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)",
        (address, version, row.created, row.entity.SerializeToString()),
    )
