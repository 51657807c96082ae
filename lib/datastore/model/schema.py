"""The schema of a model: how its class is stored, read once from annotations and marks."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

from lib.datastore.model import marks
from lib.datastore.model.marks import Mark
from lib.datastore.v1 import limits
from lib.json.secrecy import is_secret

T = TypeVar("T")

#: The attribute that holds a value's unknown data (lib.datastore.mapping.derived_class).
UNKNOWN = "_unknown"

#: Marks of values that are readable in a key or an index.
_SHOWN = frozenset({marks.IdMark, marks.ParentMark, marks.IndexedMark})


class Stamp(Enum):
    """Which writes set the field to the current time."""

    CREATED = "created"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Property:
    """One stored field. `default` is a function that makes the default, None if there is none."""

    name: str
    stored: str
    hint: Any
    indexed: bool
    omit_empty: bool
    flatten: bool
    stamp: Stamp | None
    expires: bool
    default: Callable[[], Any] | None


@dataclass(frozen=True, slots=True)
class KeyField:
    """A field that comes from the key: the id, or the id of an ancestor."""

    name: str
    kind: str
    type: type[int] | type[str]


@dataclass(frozen=True, slots=True)
class Model(Generic[T]):
    """A class as Datastore stores it. A class without an Id field can only be nested."""

    cls: type[T]
    kind: str
    parents: tuple[KeyField, ...]
    id: KeyField | None
    version: str | None
    keeps_unknown: bool
    properties: tuple[Property, ...]

    @property
    def expires(self) -> str | None:
        """The property for a TTL policy on the kind (`gcloud firestore fields ttls update`)."""
        return next((item.stored for item in self.properties if item.expires), None)

    @property
    def path(self) -> tuple[KeyField, ...]:
        """The key's fields from the root down."""
        if self.id is None:
            raise TypeError(f"{self.cls.__name__} has no Id field, so it has no key")
        return (*self.parents, self.id)


def model_of(cls: type[T]) -> Model[T]:
    """Read a dataclass and its marks, once; raise TypeError if it cannot be stored as declared."""
    anything: Any = cls
    return _read_model(anything)


@functools.cache
def _read_model(cls: Any) -> Model[Any]:
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise TypeError(f"{cls!r} is not a dataclass")
    hints = typing.get_type_hints(cls, include_extras=True)
    kind: str = cls.__dict__.get("__kind__", cls.__name__)
    parents: list[KeyField] = []
    own_id: KeyField | None = None
    version: str | None = None
    properties: list[Property] = []
    for field in dataclasses.fields(cls):
        hint, found = split_marks(hints[field.name])
        where = f"{cls.__name__}.{field.name}"
        if is_secret(hints[field.name]) and found.keys() & _SHOWN:
            raise TypeError(f"{where}: a key or an index would reveal a Secret")
        if parent := found.get(marks.ParentMark):
            parent_kind = parent.kind or _kind_by_convention(field.name)
            parents.append(KeyField(field.name, parent_kind, _id_type(hint, where)))
        elif marks.IdMark in found:
            if own_id is not None:
                raise TypeError(f"{where}: a model has one Id")
            own_id = KeyField(field.name, kind, _id_type(hint, where))
        elif marks.VersionMark in found:
            version = field.name
        elif marks.ExcludedMark in found:
            if _default(field) is None:
                raise TypeError(f"{where}: an excluded field needs a default")
        else:
            properties.append(_property(field, hint, found, where))
    _refuse_same_names(cls, properties)
    keeps_unknown = UNKNOWN in vars(cls)
    return Model(cls, kind, tuple(parents), own_id, version, keeps_unknown, tuple(properties))


def split_marks(hint: Any) -> tuple[Any, dict[type[Mark], Any]]:
    """Split an annotation into the plain type and its marks, by their classes."""
    found: dict[type[Mark], Any] = {}
    if typing.get_origin(hint) is Annotated:
        hint, *metadata = typing.get_args(hint)
        for item in metadata:
            mark = item() if isinstance(item, type) and issubclass(item, Mark) else item
            if isinstance(mark, Mark):
                found[type(mark)] = mark
    if inspect.isclass(hint) and issubclass(hint, Mark):
        found[hint] = hint()
        hint = hint.implied
    return hint, found


def _property(
    field: dataclasses.Field[Any], hint: Any, found: dict[type[Mark], Any], where: str
) -> Property:
    renamed = found.get(marks.RenamedMark)
    stored = limits.check_name(renamed.stored if renamed else field.name, where)
    stamp = None
    if marks.CreatedAtMark in found:
        stamp = Stamp.CREATED
    elif marks.UpdatedAtMark in found:
        stamp = Stamp.UPDATED
    flatten = marks.FlattenMark in found
    if flatten and not dataclasses.is_dataclass(hint):
        raise TypeError(f"{where}: only a nested dataclass can be flattened")
    expires = marks.ExpiresMark in found
    return Property(
        name=field.name,
        stored=stored,
        hint=hint,
        indexed=marks.IndexedMark in found,
        omit_empty=marks.OmitEmptyMark in found or expires,
        flatten=flatten,
        stamp=stamp,
        expires=expires,
        default=_default(field),
    )


def _default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    if field.default is not dataclasses.MISSING:
        value = field.default
        return lambda: value
    return None


def _id_type(hint: Any, where: str) -> type[int] | type[str]:
    plain = [part for part in typing.get_args(hint) or (hint,) if part is not type(None)]
    if plain == [int]:
        return int
    if plain == [str]:
        return str
    raise TypeError(f"{where}: the id in a key is an int or a str")


def _kind_by_convention(name: str) -> str:
    """Return the kind that a field's name stands for: `TaskList` for `task_list_id`."""
    return "".join(part.capitalize() for part in name.removesuffix("_id").split("_"))


def _refuse_same_names(cls: type, properties: list[Property]) -> None:
    seen: set[str] = set()
    for stored in (item.stored for item in properties):
        if stored in seen:
            raise TypeError(f"{cls.__name__}: two fields are stored as {stored!r}")
        seen.add(stored)
