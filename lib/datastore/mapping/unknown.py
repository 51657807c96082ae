"""Stored data that a class does not know: kept beside the value that it belongs to, at any depth.

It is not a field of the value, since no class has declared who may see it: `dataclasses.asdict` and
JSON encoders leave it out; `dataclasses.replace` carries it along. A nested plain dataclass has no
place for it. One that is stored with unknown data is read as an instance of a derived class, which
is compared and shown as the plain class.
"""

import copyreg
import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any

from lib.datastore.model.schema import UNKNOWN

#: Where an embedded entity's own key is kept: no property can have such a name.
KEY = "__key__"

#: Kept where an embedded entity was stored without being excluded from the indexes.
INDEXED = "__indexed__"

#: The slot behind UNKNOWN.
_SLOT = "_kept_unknown"

#: No attribute has this name, so encoders that look fields up by name skip it.
_NO_NAME = "what the class does not know"


#: What is kept by the name of a property, and the key of the dict in one: serialized messages.
Kept = dict[Any, bytes]


class KeyedDict(dict[str, Any]):
    """A dict that was read from an embedded entity with a key, which is written back with it.

    A copy keeps the key, and so does a union: `d | {"a": 1}`. A new dict such as `{**d}` has no
    key, but the field of a dataclass remembers the key of its dict.
    """

    key = b""

    @classmethod
    def of(cls, items: dict[str, Any], key: bytes) -> "KeyedDict":
        """Return the items with a serialized key; any other way to make one gives it none."""
        made = cls(items)
        made.key = key
        return made

    def copy(self) -> "KeyedDict":
        """Return the same items with the same key."""
        return KeyedDict.of(self, self.key)

    def __or__(self, other: Any) -> Any:
        return (
            KeyedDict.of({**self, **other}, self.key) if isinstance(other, dict) else NotImplemented
        )

    def __ror__(self, other: Any) -> Any:
        return (
            KeyedDict.of({**other, **self}, self.key) if isinstance(other, dict) else NotImplemented
        )


class _Fields:
    """A dataclass's fields: of the class as declared; of a value also what `replace` carries along.

    `dataclasses.replace` passes on every value of this dict, `dataclasses.fields` lists only those
    that are marked as fields.
    """

    def __init__(self, declared: dict[str, Any]) -> None:
        carried: Any = dataclasses.field(default=None)
        carried.name, carried._field_type = UNKNOWN, None
        self._declared = declared
        self._of_value = {**declared, _NO_NAME: carried}

    def __get__(self, value: object, owner: type) -> dict[str, Any]:
        return self._declared if value is None else self._of_value


def derive(cls: type[Any], namespace: dict[str, Any]) -> Any:
    """Derive a dataclass that keeps unknown data, which its constructor takes as `_unknown`.

    Unknown data takes no part in comparison, repr or JSON, and is never read from JSON.
    """
    metaclass: Any = type(cls)
    return metaclass(
        cls.__name__,
        (cls,),
        {
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__doc__": cls.__doc__,
            "__slots__": (_SLOT,),
            "__dataclass_fields__": _Fields(cls.__dataclass_fields__),
            "__init__": _init_of(cls),
            UNKNOWN: property(unknown_of),
            **_state_of_frozen(cls),
            **namespace,
        },
    )


def _init_of(cls: type[Any]) -> Callable[..., None]:
    init = cls.__init__

    @functools.wraps(init)
    def keep(self: Any, *args: Any, _unknown: Any = None, **values: Any) -> None:
        object.__setattr__(self, _SLOT, _unknown)
        init(self, *args, **values)

    return keep


def _state_of_frozen(cls: type[Any]) -> dict[str, Any]:
    """Return copy methods for a frozen class with slots, whose own copy only declared fields.

    Python copies other classes completely.
    """
    if getattr(cls.__getstate__, "__module__", "") != "dataclasses":
        return {}
    return {"__getstate__": _attributes_of, "__setstate__": _set_attributes}


def _attributes_of(value: Any) -> dict[str, Any]:
    """Return the attributes that a value has, the declared ones and what it keeps."""
    names = [*(each.name for each in dataclasses.fields(value)), _SLOT]
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**getattr(value, "__dict__", {}), **found}


def _set_attributes(value: Any, state: dict[str, Any]) -> None:
    for name, each in state.items():
        object.__setattr__(value, name, each)


@functools.cache
def keeping(cls: Any) -> Any:
    """Return what a nested class is read as where there is something unknown to keep."""
    if UNKNOWN in vars(cls):
        return cls
    parameters = cls.__dataclass_params__
    names = tuple(field.name for field in dataclasses.fields(cls) if field.compare)
    compared = ("eq",) * parameters.eq + ("lt", "le", "gt", "ge") * parameters.order
    comparisons = {f"__{name}__": _comparison(name, cls, names) for name in compared}
    made = derive(cls, {"__plain__": cls, "__hash__": cls.__hash__, **comparisons})
    copyreg.pickle(made, _reduce)
    return made


def _reduce(value: Any) -> Any:
    """Return how to copy or pickle a value whose derived class cannot be found by name."""
    return _rebuild, (value.__plain__, _attributes_of(value))


def _rebuild(plain: Any, state: dict[str, Any]) -> Any:
    made = object.__new__(keeping(plain))
    _set_attributes(made, state)
    return made


def _comparison(name: str, cls: type[Any], names: tuple[str, ...]) -> Callable[[Any, object], Any]:
    """Return a comparison that accepts values of the plain class too."""
    compare = getattr(operator, name)

    def compared(self: Any, other: object) -> Any:
        if not is_of(other, cls):
            return NotImplemented
        mine, others = ([getattr(each, name) for name in names] for each in (self, other))
        return compare(mine, others)

    return compared


def is_of(value: object, cls: type[Any]) -> bool:
    """Return whether a value is of exactly this class, or of its derived class."""
    return type(value) is cls or getattr(type(value), "__plain__", None) is cls


def unknown_of(value: object) -> Kept:
    """Return what a value keeps: serialized Values by property, KEY, INDEXED, and keys of dicts."""
    return getattr(value, _SLOT, None) or {}


def key_of_dict(name: str) -> Any:
    """Return the name under which the key of the dict in a property is kept."""
    return KEY, name


def write_unknown(unknown: Kept, properties: Any) -> None:
    """Write the unknown properties into a v1 map, and the keys of dicts that have none."""
    for name, stored in unknown.items():
        if isinstance(name, tuple):
            _write_key_of_dict(properties, name[1], stored)
        elif name not in (KEY, INDEXED):
            properties[name].ParseFromString(stored)


def _write_key_of_dict(properties: Any, name: str, stored: bytes) -> None:
    if name in properties and properties[name].HasField("entity_value"):
        embedded = properties[name].entity_value
        if not embedded.HasField("key"):
            embedded.key.ParseFromString(stored)


def write_embedded(value: Any, into: Any, *, indexes: bool) -> None:
    """Write the rest of an embedded entity into its Value: its key, and whether it is indexed.

    What stands in it unknown and indexed stays indexed; each known property says so for itself.
    """
    kept = {KEY: value.key} if isinstance(value, KeyedDict) else unknown_of(value)
    if kept.get(KEY):
        into.entity_value.key.ParseFromString(kept[KEY])
    if not indexes and INDEXED not in kept:
        into.exclude_from_indexes = True


def beside(unknown: Kept, pb: Any) -> Kept:
    """Return what is to be kept of an embedded Value: the unknown properties, and its own key."""
    entity = pb.entity_value
    kept = {**unknown, KEY: entity.key.SerializeToString()} if entity.HasField("key") else unknown
    return {**kept, INDEXED: b""} if kept and not pb.exclude_from_indexes else kept


def read_keyed(items: dict[str, Any], entity: Any) -> dict[str, Any]:
    """Return the items of an embedded entity, with its key if it has one."""
    return KeyedDict.of(items, entity.key.SerializeToString()) if entity.HasField("key") else items
