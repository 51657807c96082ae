"""Keys: the path of kinds and ids from the root down, as plain data."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lib.datastore.model.schema import KeyField, model_of
from lib.datastore.v1 import limits
from lib.datastore.v1.messages import message, parse_message
from lib.datastore.v1.urlsafe import decode_bytes, encode_bytes
from lib.errors import Invalid, Malformed

T = TypeVar("T")

Id = int | str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """Where keys belong: the project, the database ("" is the default one), the namespace."""

    project: str = ""
    database: str = ""
    namespace: str = ""


#: The partition of text forms and checks that need no store.
NOWHERE = Partition()


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """The address of an entity.

    A key with an id of None is incomplete: Datastore allocates one on insert. `namespace` is None
    for the store's own. `model` is the class that a lookup of this key returns; it is not part of
    the key's identity.
    """

    path: tuple[tuple[str, Id], ...]
    namespace: str | None = None
    model: type[T] | None = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """The kind of the entity itself."""
        return self.path[-1][0]

    @property
    def id(self) -> Id:
        """The id or name of the entity itself, None while incomplete."""
        return self.path[-1][1]

    @property
    def parent(self) -> "Key[Any] | None":
        """The key one level up, None for a root."""
        return Key(self.path[:-1], self.namespace) if len(self.path) > 1 else None

    @property
    def is_complete(self) -> bool:
        """Whether the key names one entity."""
        return self.id is not None

    def in_namespace(self, namespace: str) -> "Key[T]":
        """Return the same path in another namespace ("" is the default one)."""
        return dataclasses.replace(self, namespace=namespace)

    def to_url(self) -> str:
        """Return the key as URL-safe text, for `key_from_url`."""
        return encode_bytes(write_key(self).SerializeToString())

    def __str__(self) -> str:
        return "/".join(f"{kind}({part!r})" for kind, part in self.path)


def key(model: type[T], *ids: Id) -> Key[T]:
    """Make the key of a model from its ids, from the root down; the last may be None (or 0).

    Raises Invalid, naming the field, for an id that Datastore refuses, and TypeError for the
    wrong number of ids.
    """
    fields = model_of(model).path
    if len(ids) != len(fields):
        names = ", ".join(item.name for item in fields)
        raise TypeError(f"a key of {model.__name__} takes {len(fields)} ids: {names}")
    last = len(ids) - 1
    path = tuple(
        (item.kind, check_id(item, part, may_lack=index == last))
        for index, (item, part) in enumerate(zip(fields, ids, strict=True))
    )
    return Key(path, model=model)


def key_of(entity: T) -> Key[T]:
    """Return the key of an entity: incomplete while its int id is 0 or None."""
    return key(type(entity), *(getattr(entity, item.name) for item in model_of(type(entity)).path))


def key_from_url(text: str, model: type[T]) -> Key[T]:
    """Read a text that `Key.to_url` wrote; raise Malformed for any other text or another kind."""
    try:
        read: Key[Any] = read_key(parse_message("Key", decode_bytes(text)))
        made = key(model, *(part for _, part in read.path))
    except (ValueError, TypeError, Invalid):
        raise Malformed(f"not a key of {model.__name__}", field="key") from None
    if made.path != read.path:
        raise Malformed(f"not a key of {model.__name__}", field="key")
    return dataclasses.replace(made, namespace=read.namespace or None)


def check_id(item: KeyField, part: Id, *, may_lack: bool) -> Id:
    """Return an id that fits its field, None if Datastore allocates it; raise Invalid otherwise."""
    if item.type is str:
        return limits.check_name(part, item.name, f"the name of a {item.kind}")
    if not part and part is not False and part != "":
        if may_lack:
            return None
        raise Invalid(f"{item.name} has no value yet", field=item.name)
    return limits.check_numeric_id(part, item.name)


def write_key(key: Key[Any], partition: Partition = NOWHERE, into: Any = None) -> Any:
    """Write a key as a v1 message, in the partition's namespace unless it has its own."""
    pb = message("Key")() if into is None else into
    if not 0 < len(key.path) <= limits.MAX_PATH_LENGTH:
        raise Invalid(f"a key has 1 to {limits.MAX_PATH_LENGTH} levels", field="key")
    write_partition(partition, key.namespace, pb.partition_id)
    for kind, part in key.path:
        element = pb.path.add()
        element.kind = limits.check_name(kind, "key", "a kind")
        if isinstance(part, str):
            element.name = limits.check_name(part, "key")
        elif part is not None:
            element.id = limits.check_numeric_id(part, "key")
    return pb


def check_own(key: Key[Any], partition: Partition, field: str) -> None:
    """Raise Invalid for a key of another namespace: a query can only use its own."""
    if partition != NOWHERE and key.namespace not in (None, partition.namespace):
        raise Invalid(
            f"{key} is in namespace {key.namespace!r}, but the store reads {partition.namespace!r}:"
            f" query store.in_namespace({key.namespace!r})",
            field=field,
        )


def write_partition(partition: Partition, namespace: str | None, into: Any) -> None:
    """Write a partition id; the service requires defaults to be left unset."""
    if partition.project:
        into.project_id = partition.project
    if partition.database:
        into.database_id = partition.database
    if name := partition.namespace if namespace is None else namespace:
        into.namespace_id = name


def read_key(pb: Any, partition: Partition = NOWHERE, model: type[T] | None = None) -> Key[T]:
    """Read a v1 message; the namespace is None if it is the partition's own."""
    path = tuple((item.kind, item.name or item.id or None) for item in pb.path)
    namespace = pb.partition_id.namespace_id
    return Key(path, None if namespace == partition.namespace else namespace, model)
