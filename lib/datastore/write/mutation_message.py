"""Mutations as v1 messages, and a commit's answer as entities."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lib.datastore.keys import write_key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.mapping.conversion import ConversionError
from lib.datastore.mapping.entities import EntityCodec
from lib.datastore.mapping.plan import StoredField
from lib.datastore.read.lookups import fetch_many
from lib.datastore.rpc.service import Service
from lib.datastore.v1 import limits
from lib.datastore.v1.messages import enum_number
from lib.datastore.v1.paths import property_path
from lib.datastore.write import transforms
from lib.datastore.write.mutations import Mutation
from lib.errors import AmendsError, Invalid, TooLarge, Unavailable, Unreadable


def check_size(request: Any, count: int) -> None:
    """Raise Invalid or TooLarge for more than fits into one commit."""
    if count > limits.MAX_COMMIT_MUTATIONS:
        raise Invalid(
            f"one commit takes at most {limits.MAX_COMMIT_MUTATIONS} writes, not {count}",
            field="mutations",
        )
    if request.ByteSize() > limits.MAX_REQUEST_BYTES:
        raise TooLarge(
            f"one commit takes at most {limits.MAX_REQUEST_BYTES} bytes", field="mutations"
        )


def write_mutation(codecs: Codecs, mutation: Mutation, into: Any, now: datetime) -> Any:
    """Write one mutation; return its entity as it will be stored (None for a delete).

    Raises Invalid or TooLarge, naming the field, for what Datastore would refuse.
    """
    entity = None
    if mutation.key is not None:
        if not mutation.key.is_complete:
            raise Invalid(f"{mutation.key} is incomplete: nothing to delete", field="key")
        write_key(mutation.key, codecs.partition, into.delete)
    else:
        entity = _write_entity(codecs.of(type(mutation.entity)), codecs, mutation, into, now)
    if mutation.if_version is not None:
        into.base_version = mutation.if_version
        into.conflict_resolution_strategy = enum_number(
            "Mutation.ConflictResolutionStrategy", "FAIL"
        )
    return entity


def _write_entity(
    codec: EntityCodec[Any], codecs: Codecs, mutation: Mutation, into: Any, now: datetime
) -> Any:
    verb = mutation.verb
    entity = codec.stamp(mutation.entity, now, creates=verb != "update")
    pb = getattr(into, verb)
    codec.write(entity, pb, may_lack_id=verb != "update")
    if mutation.is_partial:
        _write_partial(codec, codecs, mutation, into, pb)
    return entity


def _write_partial(
    codec: EntityCodec[Any], codecs: Codecs, mutation: Mutation, into: Any, pb: Any
) -> None:
    """List the properties that the entity sets; the others are left unchanged or transformed."""
    kind = codec.model.kind
    changed = []
    for transform in mutation.transforms:
        target = transforms.target_of(codec.plan, kind, transform)
        changed.append(target.stored)
        transforms.write_transform(
            codecs.compiler, target, transform, into.property_transforms.add()
        )
    if mutation.mask is None:
        named = list(codec.plan.by_stored)
    else:
        named = codec.stored_names((*mutation.mask, *codec.stamped_on_update))
    kept = [stored for stored in named if stored not in changed]
    into.property_mask.SetInParent()
    into.property_mask.paths.extend(map(property_path, kept))
    for stored in set(pb.properties) - set(kept):
        del pb.properties[stored]


def read_written(
    service: Service,
    codecs: Codecs,
    mutations: Sequence[Mutation],
    entities: Sequence[Any],
    response: Any,
) -> list[Any]:
    """Return the entities as they are stored now, with the ids and versions of a commit.

    Writes with a mask or a transform need one Lookup. An error takes the place of an entity that
    was written but cannot be returned: Unavailable if that Lookup fails, Unreadable if the stored
    entity does not fit its model.
    """
    results = response.mutation_results
    written = [
        None
        if entity is None
        else codecs.of(type(entity)).stored(entity, result.version, result.key, {})
        for entity, result in zip(entities, results, strict=True)
    ]
    partial = [index for index, mutation in enumerate(mutations) if mutation.is_partial]
    if partial:
        found = _look_up_written(service, codecs, [mutations[index] for index in partial])
        for index, stored in zip(partial, found, strict=True):
            if isinstance(stored, Unavailable):
                written[index] = stored
            elif stored is not None:
                written[index] = _read_back(
                    codecs, mutations[index], written[index], results[index], stored
                )
    return written


def refuse_errors(written: list[Any]) -> list[Any]:
    """Return the result of `read_written`; raise the first error in it."""
    problem = next((each for each in written if isinstance(each, AmendsError)), None)
    if problem is not None:
        raise problem
    return written


def _look_up_written(service: Service, codecs: Codecs, mutations: Sequence[Mutation]) -> list[Any]:
    try:
        return fetch_many(service, codecs, [mutation.target for mutation in mutations])
    except AmendsError as problem:
        return [
            Unavailable(f"{each.subject} was written, but not read back: {problem.detail}")
            for each in mutations
        ]


def _read_back(codecs: Codecs, mutation: Mutation, written: Any, result: Any, stored: Any) -> Any:
    try:
        return _read_partial(codecs, mutation, written, result, stored)
    except Unreadable as problem:
        detail = f"{problem.detail}; it was written"
        return Unreadable(detail, kind=problem.kind, key=problem.key, field=problem.field)


def _read_partial(
    codecs: Codecs, mutation: Mutation, written: Any, result: Any, stored: Any
) -> Any:
    """Return an entity after a write of some of its fields.

    If another write came later, the result is the stored entity with this write's own values and
    version: a counter has the value that this write gave it, and a stale version is noticed later.
    """
    codec = codecs.of(type(written))
    entity = codec.read(stored)
    if stored.version == result.version:
        return entity
    names = [] if mutation.mask is None else [*mutation.mask, *codec.stamped_on_update]
    changes = {name: getattr(written, name) for name in names}
    for transform, value in zip(mutation.transforms, result.transform_results, strict=False):
        target = transforms.target_of(codec.plan, codec.model.kind, transform)
        if not transform.is_of_list:
            changes[target.name] = _decode(codec, target, value)
    return codec.stored(entity, result.version, result.key, changes)


def _decode(codec: EntityCodec[Any], target: StoredField, value: Any) -> Any:
    try:
        return target.codec.decode(value)
    except ConversionError as mismatch:
        raise Unreadable(f"{codec.model.kind}.{target.name} {mismatch.reason}") from None
