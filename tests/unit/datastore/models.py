"""The models of the cases, and a codec round trip that needs no server."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Any

from msgspec import Meta

from lib.datastore import (
    UNSET_TIME,
    CreatedAt,
    Excluded,
    Expires,
    Flatten,
    GeoPoint,
    Id,
    Indexed,
    Key,
    OmitEmpty,
    Parent,
    Renamed,
    UpdatedAt,
    Version,
    entity,
)
from lib.datastore.keys import Partition
from lib.datastore.mapping.codecs import Codecs
from lib.datastore.v1.messages import message


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 2


@entity
@dataclass(slots=True, kw_only=True)
class TaskList:
    id: Id[str]
    name: str = ""
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Task:
    id: Id[int]
    task_list_id: Parent[str]
    description: str = ""
    done: Indexed[bool] = False
    priority: Annotated[int, Indexed, Meta(ge=0)] = 0
    due_at: Annotated[datetime | None, Indexed, OmitEmpty] = None
    tags: Indexed[list[str]] = field(default_factory=list)
    count: int = 0
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Stamped:
    id: Id[str]
    created_at: Indexed[CreatedAt] = UNSET_TIME
    updated_at: UpdatedAt = UNSET_TIME
    expires_at: Expires = None
    note: str = ""
    version: Version = 0


@dataclass(slots=True, kw_only=True)
class Address:
    city: Indexed[str] = ""
    street: str = ""


@entity
@dataclass(slots=True, kw_only=True)
class Line:
    sku: str
    quantity: int
    price: float | None = None


@dataclass(kw_only=True)
class Node:
    name: str
    children: "list[Node]" = field(default_factory=list)


@entity
@dataclass(slots=True, kw_only=True)
class Everything:
    id: Id[str]
    text: str
    blob: bytes
    flag: Indexed[bool]
    number: Indexed[int]
    ratio: float
    at: Indexed[datetime]
    colour: Indexed[Colour]
    level: Level
    maybe: Annotated[str | None, Indexed]
    either: int | str
    tags: Indexed[list[str]]
    numbers: tuple[int, ...]
    maybes: list[int | None]
    lines: list[Line]
    home: Address
    work: Flatten[Address]
    previous: Address | None
    tree: Node
    counts: dict[str, int]
    anything: Any
    owner: Key[TaskList] | None
    place: Indexed[GeoPoint | None] = None
    kept: Annotated[str, Renamed("stored_kept"), OmitEmpty] = "default"
    cached: Excluded[int] = 7
    version: Version = 0


PARTITION = Partition("p", "", "")


def save(value: Any, codecs: Codecs | None = None) -> Any:
    """Write an entity as it would be stored, as an EntityResult of version 5."""
    result = message("EntityResult")(version=5)
    (codecs or Codecs(PARTITION)).of(type(value)).write(value, result.entity)
    return result


def load(model: type[Any], result: Any) -> Any:
    """Read an entity from a server's answer, after serializing it."""
    received = message("EntityResult").FromString(result.SerializeToString())
    return Codecs(PARTITION).of(model).read(received)
