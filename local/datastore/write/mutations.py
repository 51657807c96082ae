"""Reads the mutations of a commit, completes their keys and validates them."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from local.datastore.encoding.keys import Partition, encode_path
from local.datastore.encoding.messages import Key, Mutation
from local.datastore.encoding.partitions import Database, resolve_partition
from local.datastore.encoding.validation import (
    check_complete,
    check_path,
    is_complete,
)
from local.datastore.encoding.value_checks import check_entity
from local.datastore.storage.engine import StorageEngine
from local.datastore.storage.store import fetch_entity
from local.datastore.write.transforms import check_transforms
from local.rpc.errors import InvalidArgument

#: Pairs of operations that must not follow each other on one key in one commit.
_FORBIDDEN = {
    ("insert", "insert"),
    ("update", "insert"),
    ("upsert", "insert"),
    ("delete", "update"),
}


@dataclass(slots=True)
class Change:
    """One mutation with a complete key."""

    operation: str
    mutation: Mutation
    key: Key
    partition: Partition
    partition_id: bytes
    path: bytes
    #: The key in the store and the locks: the partition's id and the path.
    address: bytes
    allocated: bool


def read_mutations(
    engine: StorageEngine, mutations: Iterable[Mutation], database: Database
) -> list[Change]:
    """Return the changes of a commit request; InvalidArgument if one is not allowed."""
    return [_read_mutation(engine, mutation, database) for mutation in mutations]


def _read_mutation(engine: StorageEngine, mutation: Mutation, database: Database) -> Change:
    operation = mutation.WhichOneof("operation")
    if operation is None:
        raise InvalidArgument("A mutation must have an operation.")
    target = getattr(mutation, operation)
    key = target if operation == "delete" else target.key
    check_path(key)
    partition = resolve_partition(key, database)
    partition_id = engine.ensure_partition(partition)
    allocated = not is_complete(key)
    if allocated:
        if operation in ("update", "delete"):
            check_complete(key)
        allocate_id(engine, key, partition_id)
    if operation != "delete":
        check_entity(target, database)
    elif mutation.property_transforms:
        raise InvalidArgument("A delete cannot have property transforms.")
    check_transforms(mutation.property_transforms, database)
    _check_strategy(mutation)
    path = encode_path(key.path)
    address = partition_id + path
    return Change(operation, mutation, key, partition, partition_id, path, address, allocated)


def _check_strategy(mutation: Mutation) -> None:
    if mutation.conflict_resolution_strategy and not mutation.WhichOneof(
        "conflict_detection_strategy"
    ):
        raise InvalidArgument(
            "conflict_resolution_strategy needs a conflict detection strategy (base_version)."
        )


def check_sequence(changes: Sequence[Change], *, transactional: bool) -> None:
    """Raise InvalidArgument for changes that must not follow each other."""
    last: dict[bytes, Change] = {}
    for change in changes:
        before = last.get(change.address)
        last[change.address] = change
        if before is None:
            continue
        if not transactional:
            raise InvalidArgument(
                "A non-transactional commit may not contain multiple mutations affecting the "
                "same entity."
            )
        if (before.operation, change.operation) in _FORBIDDEN:
            raise InvalidArgument(
                f"Cannot {before.operation} then {change.operation} an entity in the same request."
            )
        if _get_condition(before) != _get_condition(change):
            raise InvalidArgument(
                "Mutations for the same entity must have the same base version and the same "
                "conflict resolution strategy."
            )


def _get_condition(change: Change) -> tuple[str | None, int, bytes, int]:
    mutation = change.mutation
    return (
        mutation.WhichOneof("conflict_detection_strategy"),
        mutation.base_version,
        mutation.update_time.SerializeToString(),
        mutation.conflict_resolution_strategy,
    )


def allocate_id(engine: StorageEngine, key: Key, partition_id: bytes) -> None:
    """Complete a key with an unused random id of 16 digits, as the service does."""
    with engine.store.read_snapshot() as snapshot:
        while True:
            # Below 2**53, so that JavaScript clients can represent it.
            key.path[-1].id = 10**15 + secrets.randbelow(2**53 - 10**15)
            address = partition_id + encode_path(key.path)
            reserved = snapshot.execute("SELECT 1 FROM reserved WHERE key = ?", (address,))
            if reserved.fetchone() is None and fetch_entity(snapshot, address) is None:
                return
