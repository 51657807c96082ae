"""Mutations as v1 messages, and a commit's answer as entities."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lib.datastore import limits, transforms
from lib.datastore.codecs import Codecs
from lib.datastore.entities import EntityCodec
from lib.datastore.keys import write_key
from lib.datastore.messages import enum_number
from lib.datastore.mutations import Mutation
from lib.datastore.values import Misfit
from lib.errors import Invalid, TooLarge, Unreadable


def check_size(request: Any, count: int) -> None:
    """Raise Invalid or TooLarge for more than one commit takes."""
    if count > limits.COMMIT_MUTATIONS:
        raise Invalid(
            f"one commit takes at most {limits.COMMIT_MUTATIONS} writes, not {count}",
            field="mutations",
        )
    if request.ByteSize() > limits.REQUEST_BYTES:
        raise TooLarge(f"one commit takes at most {limits.REQUEST_BYTES} bytes", field="mutations")


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
    if mutation.mask is not None or mutation.transforms:
        _write_partial(codec, codecs, mutation, into, pb)
    return entity


def _write_partial(
    codec: EntityCodec[Any], codecs: Codecs, mutation: Mutation, into: Any, pb: Any
) -> None:
    """Name the properties that the entity sets; the rest stays as it is, or is transformed."""
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
    into.property_mask.paths.extend(kept)
    for stored in set(pb.properties) - set(kept):
        del pb.properties[stored]


def read_written(
    codecs: Codecs, mutations: Sequence[Mutation], entities: Sequence[Any], response: Any
) -> list[Any]:
    """Return the entities with the ids, versions and transformed values that a commit gave them.

    What an update's mask leaves out is as it was handed in.
    """
    return [
        _read_one(codecs, mutation, entity, result)
        for mutation, entity, result in zip(
            mutations, entities, response.mutation_results, strict=True
        )
    ]


def _read_one(codecs: Codecs, mutation: Mutation, entity: Any, result: Any) -> Any:
    if entity is None:
        return None
    codec = codecs.of(type(entity))
    changes: dict[str, Any] = {}
    for transform, value in zip(mutation.transforms, result.transform_results, strict=False):
        target = transforms.target_of(codec.plan, codec.model.kind, transform)
        present = getattr(entity, target.name)
        try:
            changes[target.name] = transforms.apply_here(target, transform, value, present)
        except Misfit as misfit:
            raise Unreadable(f"{codec.model.kind}.{target.name} {misfit.reason}") from None
    return codec.stored(entity, result.version, result.key, changes)
