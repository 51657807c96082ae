"""Stored data that a class does not know: kept beside the value that it belongs to, at any depth.

An entity's class has a field for it. A nested plain dataclass has none: where one is read with
something unknown in it, it is read as an instance of a derived class that has the field, so that
`dataclasses.replace` carries it along. To its user it is the plain class, compared and shown as
such.
"""

import copyreg
import dataclasses
import functools
import operator
from collections.abc import Callable
from dataclasses import MISSING
from typing import Annotated, Any

import msgspec

from lib.json.exact_numbers import UNKNOWN

#: Where an embedded entity's own key is kept: no property can have such a name.
KEY = "__key__"

#: Kept where an embedded entity was stored without being excluded from the indexes.
INDEXED = "__indexed__"


_KEPT = Annotated[dict[str, bytes], msgspec.Meta(max_length=0)]


class KeyedDict(dict[str, Any]):
    """A dict that was read from an embedded entity with a key, which is written back with it."""

    key = b""

    @classmethod
    def of(cls, items: dict[str, Any], key: bytes) -> "KeyedDict":
        """Return the items with a serialized key; any other way to make one gives it none."""
        made = cls(items)
        made.key = key
        return made


def derive(cls: type[Any], namespace: dict[str, Any]) -> Any:
    """Derive a dataclass with the field for what it does not know.

    The field takes no part in comparison or repr; no JSON fills it, for a sender could write
    what no class has looked at.
    """
    derived = dataclasses.dataclass(
        repr=False,
        eq=False,
        slots="__slots__" in cls.__dict__,
        frozen=cls.__dataclass_params__.frozen,
    )
    metaclass: Any = type(cls)
    made = metaclass(
        cls.__name__,
        (cls,),
        {
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__doc__": cls.__doc__,
            "__annotations__": {UNKNOWN: _KEPT | msgspec.UnsetType},
            UNKNOWN: dataclasses.field(
                default=msgspec.UNSET, repr=False, compare=False, kw_only=True
            ),
            **namespace,
        },
    )
    return derived(made)


@functools.cache
def keeping(cls: Any) -> Any:
    """Return what a nested class is read as where there is something unknown to keep."""
    if any(field.name == UNKNOWN for field in dataclasses.fields(cls)):
        return cls
    parameters = cls.__dataclass_params__
    names = tuple(field.name for field in dataclasses.fields(cls) if field.compare)
    compared = ("eq",) * parameters.eq + ("lt", "le", "gt", "ge") * parameters.order
    comparisons = {f"__{name}__": _comparison(name, cls, names) for name in compared}
    made = derive(cls, {"__plain__": cls, "__hash__": cls.__hash__, **comparisons})
    copyreg.pickle(made, _reduce)
    return made


def _reduce(value: Any) -> Any:
    """Say how to copy or pickle a value: its derived class has no name to be found by."""
    found = [(each.name, getattr(value, each.name, MISSING)) for each in dataclasses.fields(value)]
    state = {name: each for name, each in found if each is not MISSING}
    return _rebuild, (value.__plain__, {**getattr(value, "__dict__", {}), **state})


def _rebuild(plain: Any, state: dict[str, Any]) -> Any:
    made = object.__new__(keeping(plain))
    for name, each in state.items():
        object.__setattr__(made, name, each)
    return made


def _comparison(name: str, cls: type[Any], names: tuple[str, ...]) -> Callable[[Any, object], Any]:
    """Return a comparison that takes values of the plain class for its own."""
    compare = getattr(operator, name)

    def compared(self: Any, other: object) -> Any:
        if not is_of(other, cls):
            return NotImplemented
        mine, others = ([getattr(each, name) for name in names] for each in (self, other))
        return compare(mine, others)

    return compared


def is_of(value: object, cls: type[Any]) -> bool:
    """Tell whether a value is of just this class, or is one of it that keeps what is unknown."""
    return type(value) is cls or getattr(type(value), "__plain__", None) is cls


def unknown_of(value: object) -> dict[str, bytes]:
    """Return what a value keeps, by property: serialized Values; and KEY and INDEXED."""
    return getattr(value, UNKNOWN, None) or {}


def write_unknown(unknown: dict[str, bytes], properties: Any) -> None:
    """Write the unknown properties into a v1 map."""
    for name, stored in unknown.items():
        if name not in (KEY, INDEXED):
            properties[name].ParseFromString(stored)


def write_embedded(value: Any, into: Any, *, indexes: bool) -> None:
    """Write the rest of an embedded entity into its Value: its key, and whether it is indexed.

    What stands in it unknown and indexed stays indexed; each known property says so for itself.
    """
    kept = {KEY: value.key} if isinstance(value, KeyedDict) else unknown_of(value)
    if kept.get(KEY):
        into.entity_value.key.ParseFromString(kept[KEY])
    if not indexes and INDEXED not in kept:
        into.exclude_from_indexes = True


def beside(unknown: dict[str, bytes], pb: Any) -> dict[str, bytes]:
    """Return what is to be kept of an embedded Value: the unknown properties, and its own key."""
    entity = pb.entity_value
    kept = {**unknown, KEY: entity.key.SerializeToString()} if entity.HasField("key") else unknown
    return {**kept, INDEXED: b""} if kept and not pb.exclude_from_indexes else kept


def read_keyed(items: dict[str, Any], entity: Any) -> dict[str, Any]:
    """Return the items of an embedded entity, with its key if it has one."""
    return KeyedDict.of(items, entity.key.SerializeToString()) if entity.HasField("key") else items
