"""Describes types in English, for error messages."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, is_typeddict
from uuid import UUID

from msgspec import Meta, UnsetType

#: Choices with more values than this are not listed.
MAX_LISTED = 50

_NOUNS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    Decimal: "a decimal number",
    bool: "true or false",
    NoneType: "null",
    datetime: "a time such as 2026-01-31T12:00:00Z",
    date: "a date such as 2026-01-31",
    time: "a time of day such as 12:00:00",
    timedelta: "a duration such as PT30S",
    UUID: "a UUID",
    bytes: "base64 text",
}

_UNITS = {"a list": "items", "an object": "members"}

_LISTS = (list, tuple, set, frozenset)


def unwrap(kind: Any) -> tuple[Any, list[Meta]]:
    """Return a type without annotations, and its msgspec Metas, the outermost first."""
    metas: list[Meta] = []
    while get_origin(kind) is Annotated:
        kind, *marks = get_args(kind)
        metas += [mark for mark in reversed(marks) if isinstance(mark, Meta)]
    return kind, metas


def options_of(kind: Any) -> list[Any]:
    """Return the members of a union that a sender can choose from; any other type by itself."""
    bare, _ = unwrap(kind)
    members = get_args(bare) if get_origin(bare) in (Union, UnionType) else (kind,)
    return [member for member in members if member is not UnsetType]


def allowed_values(kind: Any) -> list[Any] | None:
    """Return the values of an enumeration or a Literal, None for any other type."""
    values: list[Any] = []
    for option in options_of(kind):
        bare, _ = unwrap(option)
        if get_origin(bare) is Literal:
            values += get_args(bare)
        elif isinstance(bare, type) and issubclass(bare, Enum):
            values += [member.value for member in bare]
        elif bare is not NoneType:
            return None
    return values if 0 < len(values) <= MAX_LISTED else None


def describe(kind: Any) -> str:
    """Return what a type accepts: "text of 1 to 200 characters or null"; "" if that is unknown."""
    values = allowed_values(kind)
    if values is not None:
        nullable = " or null" if NoneType in options_of(kind) else ""
        listed = ", ".join("null" if value is None else str(value) for value in values)
        return f"one of {listed}{nullable}"
    described = [_describe_one(option) for option in options_of(kind)]
    joint = ", or " if any("," in each for each in described) else " or "
    return joint.join(described) if all(described) else ""


def _describe_one(kind: Any) -> str:
    bare, metas = unwrap(kind)
    said = next((meta.description for meta in metas if meta.description), "")
    if said:
        return said
    noun = _noun_of(bare)
    return noun + "".join(_describe_bounds(meta, _UNITS.get(noun, "characters")) for meta in metas)


def _noun_of(bare: Any) -> str:
    origin = get_origin(bare) or bare
    if origin is tuple and get_args(bare) and Ellipsis not in get_args(bare):
        return f"a list of {len(get_args(bare))} items"
    settings = getattr(origin, "__struct_config__", None)
    if hasattr(bare, "_field_defaults"):
        return f"a list of {len(bare._fields)} items"
    if origin in _LISTS or (settings and settings.array_like):
        return "a list"
    if origin in _NOUNS:
        return _NOUNS[origin]
    is_object = origin is dict or is_typeddict(bare) or hasattr(origin, "__struct_fields__")
    return "an object" if is_object or hasattr(origin, "__dataclass_fields__") else ""


def _describe_bounds(meta: Meta, unit: str) -> str:
    words = [
        _describe_range(meta.min_length, meta.max_length, "of", f" {unit}"),
        _describe_range(meta.ge, meta.le, "from"),
        _describe_open(meta.gt, meta.lt),
        f", a multiple of {meta.multiple_of}" if meta.multiple_of is not None else "",
        f" that matches {meta.pattern}" if meta.pattern is not None else "",
        ", with its time zone" if meta.tz else "",
    ]
    return "".join(words)


def _describe_range(low: Any, high: Any, joint: str, unit: str = "") -> str:
    if low is not None and high is not None:
        return f" {joint} {low} to {high}{unit}"
    if low is not None:
        return f" of at least {low}{unit}"
    return f" of at most {high}{unit}" if high is not None else ""


def _describe_open(above: Any, below: Any) -> str:
    named = (("above", above), ("below", below))
    words = " and ".join(f"{word} {bound}" for word, bound in named if bound is not None)
    return words and f" {words}"
