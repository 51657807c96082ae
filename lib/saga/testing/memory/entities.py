"""Entities in memory: copied on read and write, versioned, written atomically.

The data layer's own checks refuse what Datastore would refuse, with the same errors.
"""

import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any

import msgspec

from lib.datastore.keys import NOWHERE, Key
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.model.schema import model_of
from lib.datastore.v1.messages import message
from lib.datastore.write.mutation_message import check_size
from lib.datastore.write.mutations import Mutation
from lib.errors import AlreadyExists, NotFound, VersionMismatch

#: A key's path: kinds and ids from the root down.
Path = tuple[tuple[str, Any], ...]

#: Types of immutable values, which need no copying.
ATOMS = frozenset({str, int, float, bool, bytes, datetime, type(None), msgspec.UnsetType})

#: The first allocated id.
FIRST_ID = 5_000_000_000_000_001


@dataclass(frozen=True, slots=True)
class StoredEntity:
    """A stored entity; it is never changed, only replaced."""

    entity: Any
    version: int


@dataclass(frozen=True, slots=True)
class SavedEntities:
    """The contents of a memory at some time."""

    entities: Mapping[Path, StoredEntity]
    version: int
    next_id: int


class Memory:
    """Every entity of a Datastore, and the number of its commits, from which versions come."""

    def __init__(self) -> None:
        self._entities: dict[Path, StoredEntity] = {}
        self._of_kind: dict[str, list[tuple[Path, Any]]] = {}
        self._version = 0
        self._next_id = FIRST_ID
        self._codecs = Codecs(NOWHERE)

    def save(self) -> SavedEntities:
        """Return all that is stored, for `restore`."""
        return SavedEntities(dict(self._entities), self._version, self._next_id)

    def restore(self, saved: SavedEntities) -> None:
        """Restore the contents that were saved."""
        self._entities = dict(saved.entities)
        self._of_kind.clear()
        self._version, self._next_id = saved.version, saved.next_id

    def read(self, key: Key[Any]) -> Any:
        """Return a copy of an entity, or None."""
        stored = self._entities.get(key.path)
        return None if stored is None else copy_entity(stored.entity)

    def version_of(self, key: Key[Any]) -> int:
        """Return the version of an entity, 0 if there is none."""
        stored = self._entities.get(key.path)
        return 0 if stored is None else stored.version

    def find_kind(self, kind: str) -> list[tuple[Path, Any]]:
        """Return all entities of a kind by path; they are not copies."""
        found = self._of_kind.get(kind)
        if found is None:
            entities = self._entities.items()
            found = [(path, stored.entity) for path, stored in entities if path[-1][0] == kind]
            self._of_kind[kind] = found
        return found

    def peek(self, path: Path) -> Any:
        """Return an entity by its path, or None; it is not a copy."""
        stored = self._entities.get(path)
        return None if stored is None else stored.entity

    def allocate(self, entity: Any) -> Any:
        """Return an entity with an id: its own, or a new one if that is 0 or None."""
        name = model_of(type(entity)).path[-1].name
        if getattr(entity, name) not in (0, None):
            return entity
        self._next_id += 1
        return dataclasses.replace(entity, **{name: self._next_id})

    def write(self, mutations: Sequence[Mutation], now: datetime) -> list[Any]:
        """Apply all mutations in order; if one is impossible, raise its error and apply none.

        Returns the stored entities (None for deletes). Raises Invalid or TooLarge for a value, an
        entity or a commit that Datastore would refuse.
        """
        version = self._version + 1
        request = message("CommitRequest")()
        staged: dict[Path, StoredEntity | None] = {}
        written: list[Any] = []
        for mutation in mutations:
            entity = None if mutation.key else self.allocate(mutation.entity)
            path = mutation.key.path if mutation.key else _path_of(entity)
            present = staged[path] if path in staged else self._entities.get(path)
            _check(mutation, present)
            if entity is not None:
                entity = self._make(mutation, entity, present, version, now)
                self._codecs.of(type(entity)).write(entity, request.mutations.add().upsert)
            staged[path] = None if entity is None else StoredEntity(entity, version)
            written.append(entity and copy_entity(entity))
        check_size(request, len(mutations))
        self._version = version
        self._of_kind.clear()
        for path, stored in staged.items():
            if stored is None:
                self._entities.pop(path, None)
            else:
                self._entities[path] = stored
        return written

    def _make(
        self,
        mutation: Mutation,
        entity: Any,
        present: StoredEntity | None,
        version: int,
        now: datetime,
    ) -> Any:
        """Return the entity to store: the new one, or the old one with the fields of a mask set."""
        codec = self._codecs.of(type(entity))
        made = copy_entity(codec.stamp(entity, now, creates=mutation.verb != "update"))
        if mutation.mask is not None and present is not None:
            codec.stored_names(mutation.mask)
            kept = {*mutation.mask, *codec.stamped_on_update}
            made = dataclasses.replace(
                present.entity, **{name: getattr(made, name) for name in kept}
            )
        if codec.model.version is not None:
            setattr(made, codec.model.version, version)
        return made


def copy_entity(entity: Any) -> Any:
    """Return a copy of an entity that shares no mutable values with it."""
    model: Any = type(entity)
    names, values_of = _fields_of(model)
    copied = object.__new__(model)
    for name, value in zip(names, values_of(entity), strict=True):
        kind: Any = type(value)
        is_shared = kind in ATOMS or isinstance(value, Enum)
        kept = value if is_shared else _copier_of(kind)(value)
        object.__setattr__(copied, name, kept)
    return copied


@functools.cache
def _copier_of(kind: Any) -> Callable[[Any], Any]:
    """Return a function that copies the values of a type; found once, since runs copy millions."""
    if kind is list:
        return _copy_list
    is_record = dataclasses.is_dataclass(kind) and len(dataclasses.fields(kind)) > 1
    return copy_entity if is_record else copy.deepcopy


def _copy_list(values: list[Any]) -> list[Any]:
    kinds: list[Any] = [type(each) for each in values]
    return [
        each if kind in ATOMS else _copier_of(kind)(each)
        for kind, each in zip(kinds, values, strict=True)
    ]


def _path_of(entity: Any) -> Path:
    fields = model_of(type(entity)).path
    return tuple((item.kind, getattr(entity, item.name)) for item in fields)


@functools.cache
def _fields_of(model: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of a model's fields, two or more, and a function that reads them all."""
    names = tuple(field.name for field in dataclasses.fields(model))
    return names, attrgetter(*names)


def _check(mutation: Mutation, present: StoredEntity | None) -> None:
    if mutation.transforms:
        raise NotImplementedError("the store in memory has no transforms")
    if mutation.verb == "insert" and present is not None:
        raise AlreadyExists(f"{mutation.subject} already exists")
    if mutation.verb == "update" and present is None:
        raise NotFound(f"{mutation.subject} does not exist")
    if mutation.if_version is not None and (
        present is None or present.version != mutation.if_version
    ):
        raise VersionMismatch(f"{mutation.subject}: the stored version is not the given one")
