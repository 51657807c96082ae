"""Keeps stored data that a class does not declare with the value that it belongs to, at any depth.

It is not a field of the value, because no class has declared who may see it: `dataclasses.asdict`
and JSON encoders leave it out; `dataclasses.replace` keeps it. A plain nested dataclass has no
place for it, so a value that was stored with unknown data is read as an instance of a derived
class, which compares and prints like the plain class.
"""

import copyreg
import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any

from lib.datastore.model.schema import UNKNOWN

#: The kept data: serialized messages; lib.datastore.mapping.unknown defines the names.
Kept = dict[Any, bytes]

#: The slot behind UNKNOWN.
_SLOT = "_kept_unknown"

#: A name that no attribute has, so that encoders which look fields up by name skip it.
_NO_NAME = "what the class does not know"


class _Fields:
    """A dataclass's fields: the declared ones, and on a value also those that `replace` must keep.

    `dataclasses.replace` passes on every value in this dict; `dataclasses.fields` lists only those
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
    """Derive a dataclass that keeps unknown data; its constructor takes it as `_unknown`.

    Comparison, repr and JSON ignore unknown data, and it is never read from JSON.
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
    """Return copy methods for a frozen class with slots, whose own ones copy only declared fields.

    Python copies values of other classes completely.
    """
    if getattr(cls.__getstate__, "__module__", "") != "dataclasses":
        return {}
    return {"__getstate__": _attributes_of, "__setstate__": _set_attributes}


def _attributes_of(value: Any) -> dict[str, Any]:
    """Return a value's attributes: the declared ones, and the unknown data that it keeps."""
    names = [*(each.name for each in dataclasses.fields(value)), _SLOT]
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return {**getattr(value, "__dict__", {}), **found}


def _set_attributes(value: Any, state: dict[str, Any]) -> None:
    for name, each in state.items():
        object.__setattr__(value, name, each)


@functools.cache
def keeping(cls: Any) -> Any:
    """Return the class that a nested class is read as if there is unknown data to keep."""
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
    """Return what copy and pickle need for a value whose derived class cannot be found by name."""
    return _rebuild, (value.__plain__, _attributes_of(value))


def _rebuild(plain: Any, state: dict[str, Any]) -> Any:
    made = object.__new__(keeping(plain))
    _set_attributes(made, state)
    return made


def _comparison(name: str, cls: type[Any], names: tuple[str, ...]) -> Callable[[Any, object], Any]:
    """Return a comparison that also accepts values of the plain class."""
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
    """Return a value's unknown data: serialized Values by property, KEY, INDEXED, keys of dicts."""
    return getattr(value, _SLOT, None) or {}
