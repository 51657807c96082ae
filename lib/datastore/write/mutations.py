"""Writes as plain data: what to write, and on which condition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from lib.datastore.keys import Key, key_of
from lib.datastore.write.transforms import Transform
from lib.errors import Invalid

Verb = Literal["insert", "update", "upsert", "delete"]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One write. Either `entity` or, for a delete, `key` is set."""

    verb: Verb
    entity: Any = None
    key: Key[Any] | None = None
    if_version: int | None = None
    mask: tuple[str, ...] | None = None
    transforms: tuple[Transform, ...] = ()

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice has the same effect as sending it once.

        An insert of a known key and a write with a version are refused the second time.
        """
        if self.verb in ("insert", "upsert") and not key_of(self.entity).is_complete:
            return False
        fenced = self.verb == "insert" or self.if_version is not None
        return fenced or all(item.is_repeatable for item in self.transforms)

    @property
    def is_partial(self) -> bool:
        """Whether it leaves some of the stored entity unchanged."""
        return self.mask is not None or bool(self.transforms)

    @property
    def target(self) -> Key[Any]:
        """The key that is written."""
        return self.key or key_of(self.entity)

    @property
    def subject(self) -> str:
        """The written entity's key as text, for messages."""
        return str(self.target)


def insert(entity: Any) -> Mutation:
    """Write an entity that must not exist; an int id of 0 is allocated."""
    return Mutation("insert", entity)


def update(
    entity: Any,
    if_version: int | None = None,
    mask: Iterable[str] | None = None,
    transforms: Iterable[Transform] = (),
) -> Mutation:
    """Write an entity that must exist: all of it, or only the fields in `mask` (it may be empty).

    The service itself changes fields with a transform; their values in the entity are ignored. With
    `if_version`, write only if that is the stored version. A write that changes nothing may leave
    the version as it is (both of Google's emulators do), so that an equal write succeeds as well.
    Raises TypeError for a mask that is a str.
    """
    if isinstance(mask, str):
        raise TypeError(f"a mask is a list of names: write [{mask!r}]")
    names = None if mask is None else tuple(mask)
    return Mutation("update", entity, None, _checked(if_version), names, tuple(transforms))


def upsert(entity: Any, if_version: int | None = None) -> Mutation:
    """Write an entity, existing or not; with `if_version`, only if that is the stored version."""
    return Mutation("upsert", entity, None, _checked(if_version))


def delete(key: Key[Any], if_version: int | None = None) -> Mutation:
    """Delete an entity, existing or not; with `if_version`, only if that is the stored version."""
    return Mutation("delete", None, key, _checked(if_version))


def _checked(if_version: int | None) -> int | None:
    if if_version is not None and if_version < 1:
        raise Invalid("a stored version is at least 1", field="if_version")
    return if_version
