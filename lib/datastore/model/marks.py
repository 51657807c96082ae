"""The marks of a model's fields, written as `Indexed[bool]` or inside `Annotated`.

A type checker sees only the plain type; the marks are read by `lib.datastore.model.schema`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

T = TypeVar("T")

#: The time that CreatedAt and UpdatedAt fields hold until the entity is first written.
UNSET_TIME = datetime.min.replace(tzinfo=UTC)


class Mark:
    """A mark: `Mark[T]` is `T` with the mark; `implied` is the type of a bare mark."""

    implied: Any = None

    def __class_getitem__(cls, hint: Any) -> Any:
        return Annotated[hint, cls()]


class IndexedMark(Mark):
    """Queries can filter and order by it. Fields without this mark have no index."""


class OmitEmptyMark(Mark):
    """Not stored while empty: None for an optional field, otherwise the zero value of its type."""


class FlattenMark(Mark):
    """A nested dataclass stored as dotted properties (`address.city`) of the outer entity."""


class ExcludedMark(Mark):
    """Never stored. The field needs a default, which it gets after a load."""


class RenamedMark(Mark):
    """Stored with another name."""

    def __init__(self, stored: str) -> None:
        self.stored = stored


class IdMark(Mark):
    """The last id or name of the key; an int of 0 is allocated by Datastore on insert."""


class ParentMark(Mark):
    """The id or name of an ancestor, from the root down; the field's name tells the kind."""

    def __init__(self, kind: str | None = None) -> None:
        self.kind = kind


class VersionMark(Mark):
    """Datastore's own version of the entity: not a stored property; 0 before the first write."""

    implied = int


class CreatedAtMark(Mark):
    """The time of the first write: set on insert and upsert while it is UNSET_TIME."""

    implied = datetime


class UpdatedAtMark(Mark):
    """The time of the last write: set on every write."""

    implied = datetime


class ExpiresMark(Mark):
    """The time after which Datastore's TTL policy deletes the entity (within a day or so).

    Stored without an index, because rising values cause hot spots; not stored while None.
    """

    implied = datetime | None


if TYPE_CHECKING:
    Indexed = Annotated[T, "indexed"]
    OmitEmpty = Annotated[T, "omit empty"]
    Flatten = Annotated[T, "flatten"]
    Excluded = Annotated[T, "excluded"]
    Id = Annotated[T, "id"]
    Parent = Annotated[T, "parent"]
    Version = Annotated[int, "version"]
    CreatedAt = Annotated[datetime, "created at"]
    UpdatedAt = Annotated[datetime, "updated at"]
    Expires = Annotated[datetime | None, "expires"]
else:
    Indexed = IndexedMark
    OmitEmpty = OmitEmptyMark
    Flatten = FlattenMark
    Excluded = ExcludedMark
    Id = IdMark
    Parent = ParentMark
    Version = VersionMark
    CreatedAt = CreatedAtMark
    UpdatedAt = UpdatedAtMark
    Expires = ExpiresMark

Renamed = RenamedMark
