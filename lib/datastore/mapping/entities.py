"""Converts a model's instance to a v1 Entity with its key, and back."""

import contextlib
import dataclasses
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from lib.config import config
from lib.datastore.keys import NOWHERE, Partition, check_id, write_partition
from lib.datastore.mapping.compiler import Compiler
from lib.datastore.mapping.conversion import ConversionError
from lib.datastore.mapping.derived_class import derive
from lib.datastore.model.marks import UNSET_TIME
from lib.datastore.model.schema import Model, Stamp, model_of
from lib.datastore.v1 import limits
from lib.errors import Invalid, TooLarge, Unreadable

T = TypeVar("T")


@overload
def entity(cls: type[T]) -> type[T]: ...
@overload
def entity(*, kind: str) -> Callable[[type[T]], type[T]]: ...
def entity(cls: Any = None, *, kind: str | None = None) -> Any:
    """Make a dataclass storable. It keeps stored properties that it does not declare.

    Put it above `@dataclass`. The kind is `kind`, or by default the class's name. Raises TypeError
    for a field that Datastore cannot hold.
    """
    if cls is None:
        return lambda decorated: _as_entity(decorated, kind)
    return _as_entity(cls, None)


def _as_entity(cls: type[T], kind: str | None) -> type[T]:
    """Derive the class that keeps unknown properties, and give it its kind."""
    made: type[T] = derive(cls, {"__kind__": limits.check_name(kind or cls.__name__, "kind")})
    # A name that is defined later cannot be resolved yet; then the first use checks the class.
    with contextlib.suppress(NameError):
        Compiler(NOWHERE).plan_of(made)
    return made


class EntityCodec(Generic[T]):
    """Writes and reads the entities of one model in one partition."""

    def __init__(self, cls: type[T], partition: Partition, compiler: Compiler) -> None:
        self.model: Model[T] = model_of(cls)
        self.partition = partition
        self.plan = compiler.plan_of(cls)
        self._path = self.model.path
        self._stamps = [item for item in self.model.properties if item.stamp]

    def write_key(self, entity: T, into: Any, *, may_lack_id: bool = False) -> None:
        """Write the entity's key; raise Invalid, naming the field, for a bad id."""
        write_partition(self.partition, None, into.partition_id)
        last = self._path[-1]
        add = into.path.add
        for item in self._path:
            part = check_id(item, getattr(entity, item.name), may_lack=may_lack_id and item is last)
            element = add()
            element.kind = item.kind
            if item.type is str:
                element.name = part
            elif part is not None:
                element.id = part

    def write(self, entity: T, into: Any, *, may_lack_id: bool = False) -> None:
        """Write the entity with its key; raise Invalid or TooLarge before anything is sent."""
        if type(entity) is not self.model.cls:
            raise TypeError(f"{entity!r} is not a {self.model.cls.__name__}")
        self.write_key(entity, into.key, may_lack_id=may_lack_id)
        try:
            self.plan.write(entity, into.properties, 0)
        except ConversionError as mismatch:
            field = mismatch.field
            raise Invalid(f"{self.model.kind}.{field} {mismatch.reason}", field=field) from None
        if into.ByteSize() > limits.MAX_ENTITY_BYTES:
            raise _too_large(self.model.kind, into)

    def read(self, result: Any) -> T:
        """Read a v1 EntityResult; raise Unreadable, naming key and property, if it does not fit."""
        pb = result.entity
        path = pb.key.path
        key_values = self.read_ids(path)
        if self.model.version is not None:
            key_values[self.model.version] = result.version
        try:
            return self.plan.read(pb.properties, key_values)  # type: ignore[no-any-return]
        except ConversionError as mismatch:
            raise self.unreadable(path, mismatch.reason, mismatch.field) from None
        except Exception as refusal:  # the class's own code may reject a combination of values
            raise self.unreadable(path, _describe_refusal(refusal)) from refusal

    def unreadable(self, path: Any, reason: str, field: str = "") -> Unreadable:
        """Make the error for a stored entity, or one of its properties, that does not fit."""
        kind, where = self.model.kind, describe_path(path)
        what = f"{field} {reason}" if field else reason
        detail = f"{kind} {where}: {what}"
        return Unreadable(detail, kind=kind, key=where, field=field or None)

    def read_ids(self, path: Any) -> dict[str, Any]:
        """Read the key's fields; raise Unreadable if the key is not one of this model."""
        if len(path) != len(self._path):
            raise self.unreadable(path, "does not have as many levels as a key of the kind")
        ids: dict[str, Any] = {}
        for item, element in zip(self._path, path, strict=True):
            ids[item.name] = element.name if item.type is str else element.id
            if not ids[item.name] or element.kind != item.kind:
                raise self.unreadable(path, "is not a key of the kind")
        return ids

    def stored_names(self, names: Iterable[str]) -> list[str]:
        """Return the stored names of fields; raise Invalid for a name that is not a field."""
        return [stored for name in names for stored in self._stored_names(name)]

    def _stored_names(self, name: str) -> list[str]:
        found = self.plan.stored_under(name)
        if not found:
            raise Invalid(f"{self.model.kind} has no stored field {name!r}", field=name)
        return found

    def stamp(self, entity: T, now: datetime, *, creates: bool) -> T:
        """Return the entity with its created and updated times set, for a write at `now`."""
        changes: dict[str, Any] = {}
        for item in self._stamps:
            if item.stamp is Stamp.UPDATED or (
                creates and getattr(entity, item.name) == UNSET_TIME
            ):
                changes[item.name] = now
        return replace(entity, changes)

    @property
    def stamped_on_update(self) -> list[str]:
        """The fields that every write sets."""
        return [item.name for item in self._stamps if item.stamp is Stamp.UPDATED]

    def stored(self, entity: T, version: int, key: Any, changes: dict[str, Any]) -> T:
        """Return the entity with the version, and perhaps the id, that a commit gave it."""
        if self.model.version is not None:
            changes[self.model.version] = version
        if key.path:
            changes[self._path[-1].name] = key.path[-1].id
        return replace(entity, changes)


def _describe_refusal(refusal: Exception) -> str:
    """Describe an error that a class raised, and where; its text may quote stored data."""
    place = traceback.extract_tb(refusal.__traceback__)[-1]
    where = f"{type(refusal).__name__} in {place.name} ({Path(place.filename).name}:{place.lineno})"
    text = f": {refusal}" if config().log_texts else ""
    return f"cannot be built, its class raised {where}{text}"


def replace(entity: T, changes: dict[str, Any]) -> T:
    """Return the entity with some fields changed, or itself if there is nothing to change."""
    if not changes:
        return entity
    return dataclasses.replace(entity, **changes)  # type: ignore[type-var]


def describe_path(path: Any) -> str:
    """Write a key's path in readable form: `TaskList('a')/Task(5)`."""
    return "/".join(f"{item.kind}({item.name or item.id!r})" for item in path)


def _too_large(kind: str, entity: Any) -> TooLarge:
    sizes = {name: value.ByteSize() for name, value in entity.properties.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    return TooLarge(
        f"a {kind} is over {limits.MAX_ENTITY_BYTES} bytes, most of it in {largest}", field=largest
    )
