"""Writes as plain data: what to write, and what must be true of the stored entity for it."""

from dataclasses import dataclass
from typing import Any, Literal

from lib.datastore.keys import Key, key_of
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

    @property
    def subject(self) -> str:
        """What is written, for messages."""
        return str(self.key or key_of(self.entity))


def insert(entity: Any) -> Mutation:
    """Write what must not exist yet; an int id of 0 is allocated."""
    return Mutation("insert", entity)


def update(
    entity: Any, if_version: int | None = None, mask: tuple[str, ...] | None = None
) -> Mutation:
    """Write what must exist: all of it, or only the fields in `mask`.

    With `if_version`, only if that is the stored version.
    """
    return Mutation("update", entity, None, _checked(if_version), mask)


def upsert(entity: Any, if_version: int | None = None) -> Mutation:
    """Write whether it exists or not; with `if_version`, only if that is the stored version."""
    return Mutation("upsert", entity, None, _checked(if_version))


def delete(key: Key[Any], if_version: int | None = None) -> Mutation:
    """Delete whether it exists or not; with `if_version`, only if that is the stored version."""
    return Mutation("delete", None, key, _checked(if_version))


def _checked(if_version: int | None) -> int | None:
    if if_version is not None and if_version < 1:
        raise Invalid("a stored version is at least 1", field="if_version")
    return if_version
