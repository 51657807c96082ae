"""Secrets in a saga's values: marked in a type, and found in the JSON of a value."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, repeat
from typing import Any

import msgspec
from msgspec import inspect

from lib.json.exact_numbers import is_too_deep
from lib.json.secrecy import MARK, Secret
from lib.saga.author_code.containment import contain
from lib.saga.definition.types.graph import walk_types

__all__ = ["REDACTED", "WHOLLY_SECRET", "Secret", "Separated", "is_marked", "separate"]

#: The text that replaces a secret.
REDACTED = "[redacted]"

#: The type of a field that a payload's type does not know.
_UNKNOWN = inspect.Metadata(inspect.AnyType(), extra={MARK: True})

_OBJECT = (inspect.StructType, inspect.DataclassType, inspect.TypedDictType)
_DICT = (inspect.DictType, inspect.FrozenDictType)
_LIST = (inspect.CollectionType, inspect.TupleType, inspect.NamedTupleType)
_ANYTHING = (inspect.AnyType, inspect.RawType, inspect.CustomType)


#: The type of a value in which any part may be secret: all of it counts as secret.
WHOLLY_SECRET: Any = Secret[Any]  # type: ignore[misc]


def is_marked(kind: Any) -> bool:
    """Return whether anything in a type is marked as secret."""
    return any(MARK in (getattr(each, "extra", None) or {}) for each in walk_types(_type_of(kind)))


@dataclass(slots=True, kw_only=True)
class Separated:
    """A value as plain JSON without its secrets, and the secrets as JSON scalars."""

    shown: Any = REDACTED
    secrets: list[Any] = field(default_factory=list)


def separate(payload: Any, kind: Any) -> Separated:
    """Split a payload, plain JSON or a value of `kind`, into what may be shown and its secrets.

    A payload that does not fit `kind`, or nests deeper than MAX_NESTING, is secret as a whole, keys
    included: it may be older than a mark. A field that `kind` does not know is secret too. In a
    union, every value that may belong to a marked member is secret.
    """
    encoded = msgspec.json.encode(payload)
    plain = msgspec.json.decode(encoded)
    if is_too_deep(plain):
        return Separated(secrets=list(_leaves(plain)))
    separated = Separated()
    try:
        contain(lambda: msgspec.json.decode(encoded, type=kind))
        separated.shown = _walk(_type_of(kind), plain, separated.secrets)
    except Exception:  # an author's own check may raise anything
        separated = Separated(secrets=list(_leaves(plain)))
    return separated


@cache
def _type_of(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _walk(node: inspect.Type, value: Any, secrets: list[Any], marked: bool = False) -> Any:
    """Return a value without its secrets, and add those to `secrets`."""
    if isinstance(node, inspect.Metadata):
        marked = marked or MARK in (node.extra or {})
        shown = _walk(node.type, value, secrets, marked)
        return REDACTED if marked else shown
    if isinstance(node, inspect.UnionType):
        members = [each for each in node.types if _may_be(each, value)]
        views = [_walk(each, value, secrets, marked) for each in members]
        return REDACTED if REDACTED in views else next((v for v in views if v != value), value)
    if isinstance(value, dict) and isinstance(node, _DICT):
        return _walk_dict(node, value, secrets, marked)
    if isinstance(value, dict) and isinstance(node, _OBJECT):
        types = _types_of_fields(node)
        return {
            name: _walk(types.get(name, _UNKNOWN), each, secrets, marked)
            for name, each in value.items()
        }
    if isinstance(value, list) and _is_list(node):
        pairs = zip(_types_of_items(node), value, strict=False)
        return [_walk(item, each, secrets, marked) for item, each in pairs]
    if marked:
        secrets += _leaves(value)
    return value


def _walk_dict(node: Any, value: dict[str, Any], secrets: list[Any], marked: bool) -> Any:
    """Return a dict without its secret values; "[redacted]" if one of its keys is secret."""
    keys = [_walk(node.key_type, key, secrets, marked) for key in value]
    shown = {k: _walk(node.value_type, each, secrets, marked) for k, each in value.items()}
    return shown if keys == list(value) else REDACTED


def _types_of_fields(node: Any) -> dict[str, inspect.Type]:
    types: dict[str, inspect.Type] = {each.encode_name: each.type for each in node.fields}
    if isinstance(node, inspect.StructType) and node.tag_field is not None:
        types[node.tag_field] = inspect.StrType()
    return types


def _types_of_items(node: Any) -> Iterable[inspect.Type]:
    if isinstance(node, inspect.CollectionType):
        return repeat(node.item_type)
    if isinstance(node, inspect.TupleType):
        return node.item_types
    tag = [inspect.StrType()] if getattr(node, "tag", None) is not None else []
    return chain(tag, (each.type for each in node.fields), repeat(_UNKNOWN))


def _is_list(node: inspect.Type) -> bool:
    return isinstance(node, _LIST) or (isinstance(node, inspect.StructType) and node.array_like)


def _may_be(node: inspect.Type, value: Any) -> bool:
    """Return whether a JSON value may be of a type, judging by its form alone."""
    if isinstance(node, inspect.Metadata):
        return _may_be(node.type, value)
    if isinstance(node, inspect.UnionType):
        return any(_may_be(each, value) for each in node.types)
    if isinstance(value, dict):
        tag = node.tag if isinstance(node, inspect.StructType) else None
        named = tag is None or value.get(getattr(node, "tag_field", None)) == tag
        return isinstance(node, _ANYTHING + _DICT) or (isinstance(node, _OBJECT) and named)
    if isinstance(value, list):
        return isinstance(node, _ANYTHING) or _is_list(node)
    if value is None:
        return isinstance(node, (*_ANYTHING, inspect.NoneType))
    return not isinstance(node, (*_OBJECT, *_DICT, *_LIST, inspect.NoneType))


def _leaves(value: Any) -> Iterable[Any]:
    """Yield all scalars and keys in a JSON value; not recursive, because it may be deep."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo += chain(each, each.values())
        elif isinstance(each, list):
            todo += each
        else:
            yield each
