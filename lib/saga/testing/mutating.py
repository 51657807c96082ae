"""Commits of the in-memory Datastore: all of a commit's mutations are made, or none is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lib.datastore.messages import message
from lib.saga.testing.refusal import Refusal


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An entity as it is stored; the message is never changed, only replaced."""

    entity: Any
    version: int


#: Entities by kind and by their key's bytes.
Entities = dict[str, dict[bytes, Stored]]

#: What a commit answers for a mutation: the key if it was allocated, and the version.
Made = tuple[Any, int]


def apply_all(
    entities: Entities, mutations: Iterable[Any], version: int, next_id: Callable[[], int]
) -> list[Made]:
    """Make the mutations in order, or raise Refusal and make none."""
    staged: dict[tuple[str, bytes], Stored | None] = {}
    made: list[Made] = []
    for mutation in mutations:
        verb = mutation.WhichOneof("operation")
        subject = getattr(mutation, verb)
        given = subject if verb == "delete" else subject.key
        key = _complete(given, verb, next_id)
        place = (key.path[-1].kind, key.SerializeToString())
        present = staged[place] if place in staged else entities.get(place[0], {}).get(place[1])
        _check(mutation, verb, key, present)
        staged[place] = None if verb == "delete" else Stored(_make(mutation, key, present), version)
        made.append((None if key is given else key, version))
    for (kind, name), stored in staged.items():
        if stored is None:
            entities.get(kind, {}).pop(name, None)
        else:
            entities.setdefault(kind, {})[name] = stored
    return made


def _complete(key: Any, verb: str, next_id: Callable[[], int]) -> Any:
    if key.path[-1].WhichOneof("id_type") is not None:
        return key
    if verb not in ("insert", "upsert"):
        raise Refusal("INVALID_ARGUMENT", f"an incomplete key to {verb}")
    complete = message("Key")()
    complete.CopyFrom(key)
    complete.path[-1].id = next_id()
    return complete


def _check(mutation: Any, verb: str, key: Any, present: Stored | None) -> None:
    if mutation.property_transforms:
        raise Refusal("UNIMPLEMENTED", "the in-memory Datastore has no property transforms")
    if verb == "insert" and present is not None:
        raise Refusal("ALREADY_EXISTS", f"entity already exists: {_describe(key)}")
    if verb == "update" and present is None:
        raise Refusal("NOT_FOUND", f"no entity to update: {_describe(key)}")
    if mutation.WhichOneof("conflict_detection_strategy") == "base_version":
        version = present.version if present else 0
        if mutation.base_version != version:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"the stored version {version} of {_describe(key)} does not match",
            )


def _make(mutation: Any, key: Any, present: Stored | None) -> Any:
    """Return the entity that a mutation leaves: all of it new, or only what its mask names."""
    new = getattr(mutation, mutation.WhichOneof("operation"))
    entity = message("Entity")()
    if not mutation.HasField("property_mask"):
        entity.CopyFrom(new)
    else:
        if present is not None:
            entity.CopyFrom(present.entity)
        for name in mutation.property_mask.paths:
            entity.properties.pop(name, None)
            if name in new.properties:
                entity.properties[name].CopyFrom(new.properties[name])
    entity.key.CopyFrom(key)
    return entity


def _describe(key: Any) -> str:
    return "/".join(f"{item.kind}({item.name or item.id!r})" for item in key.path)
