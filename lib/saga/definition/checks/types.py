"""Checks the types of payloads, signals and outputs: JSON must be able to hold their values."""

import typing
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from lib.saga.definition.checks.error import describe
from lib.saga.definition.checks.fields import faults_of_fields
from lib.saga.definition.types.graph import walk_types

_UNABLE = (inspect.RawType, inspect.ExtType)

#: A value of each JSON type. A class that msgspec does not know is fine if it accepts one of them.
_PLAIN: tuple[Any, ...] = (None, True, 1, 1.5, "", [], {})

#: The maximum length of msgspec's reason, in characters: it prints the whole type.
MAX_TEXT = 200

_DICT = (inspect.DictType, inspect.FrozenDictType)

#: The keys of a JSON object are text, and msgspec cannot write these as text.
_NO_KEY = (
    inspect.BoolType,
    inspect.NoneType,
    inspect.CollectionType,
    inspect.TupleType,
    inspect.NamedTupleType,
    inspect.StructType,
    inspect.DataclassType,
)


def faults_of_type(label: str, kind: Any, *, is_whole: bool = False) -> Iterator[str]:
    """Yield what is wrong with the type of a value that is stored as JSON.

    `is_whole` says that it is stored with every field, and not as it was received.
    """
    write = _suggest(label, kind)
    if isinstance(kind, str):
        yield f"{label} is the text {describe(kind)}: write the type itself, without quotes"
        return
    if isinstance(kind, TypeVar):
        yield f"{label} is the type variable {kind.__name__}, which is not a type: {write}"
        return
    try:
        msgspec.json.Decoder(kind)
        known = inspect.type_info(kind)
        unable = next(_find_unable(known), None)
    except NameError as problem:
        yield f"{label} is {describe(kind)}, and in it {problem}: define that before the saga"
    except (TypeError, ValueError, RecursionError) as problem:
        because = _shorten(problem)
        yield f"{label} is {describe(kind)}, which cannot be decoded from JSON ({because}): {write}"
    else:
        if unable is not None:
            yield f"{label} is {describe(kind)}, but JSON cannot hold {unable}: {write}"
        for fault in faults_of_fields(known, is_whole=is_whole):
            yield f"{label} is {describe(kind)}: {fault}"


def _suggest(label: str, kind: Any) -> str:
    """Return what to write in place of something that is not a type."""
    if isinstance(kind, dict):
        return f"write {label}=dict[str, ...], or a TypedDict"
    if isinstance(kind, list) and kind and isinstance(kind[0], type):
        return f"write {label}=list[{kind[0].__name__}]"
    owner = type(kind)
    if owner.__module__ != "builtins" and not typing.get_origin(kind) and _has_fields(owner):
        return f"write the class, {label}={owner.__name__}"
    return "write a type that msgspec decodes: a Struct, a dataclass, a TypedDict, dict, int, ..."


def _has_fields(owner: type) -> bool:
    return any(hasattr(owner, each) for each in ("__struct_fields__", "__match_args__", "_fields"))


def _find_unable(root: inspect.Type) -> Iterator[str]:
    """Yield the names of types in a type that have no JSON form."""
    for node in walk_types(root):
        if isinstance(node, inspect.CustomType) and not _takes_plain(node.cls):
            yield getattr(node.cls, "__name__", str(node.cls))
        if isinstance(node, _UNABLE):
            yield type(node).__name__.removesuffix("Type")
        if isinstance(node, _DICT) and not _can_be_key(node.key_type):
            yield "a dict whose keys are neither text nor numbers"


def _takes_plain(cls: Any) -> bool:
    try:
        return any(isinstance(each, cls) for each in _PLAIN)
    except Exception:  # a metaclass may raise anything
        return False


def _can_be_key(node: inspect.Type) -> bool:
    if isinstance(node, inspect.Metadata):
        return _can_be_key(node.type)
    if isinstance(node, inspect.UnionType):
        return all(map(_can_be_key, node.types))
    return not isinstance(node, _NO_KEY)


def _shorten(problem: Exception) -> str:
    text = str(problem)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
