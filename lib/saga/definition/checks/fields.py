"""Checks the fields of an author's classes and their defaults."""

import typing
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

from lib.saga.author_code.containment import Escaped, contain
from lib.saga.definition.checks.error import describe, name_type
from lib.saga.definition.types.graph import walk_types

#: A class attribute of these types counts as a field without annotation; others rarely are one.
_VALUES = (bool, int, float, str, list, dict, type(None))


def faults_of_fields(root: inspect.Type, *, is_whole: bool) -> Iterator[str]:
    """Yield what is wrong with the fields of the classes in a type.

    `is_whole` says that values are stored with every field, like a step's output. Only then may a
    default_factory make a new value each time.
    """
    for node in walk_types(root):
        if isinstance(node, inspect.StructType | inspect.DataclassType):
            owner = typing.get_origin(node.cls) or node.cls
            yield from _faults_of_constants(owner)
            hints = _hints_of(owner)
            for field in node.fields:
                where = f"{owner.__name__}.{field.name}"
                yield from _faults_of_default(where, field, hints.get(field.name, Any))
                if not is_whole:
                    yield from _faults_of_factory(where, field.default_factory)


def _faults_of_constants(owner: type) -> Iterator[str]:
    """Yield the attributes of a class that look like fields but have no annotation."""
    annotated = {name for each in owner.__mro__ for name in _annotations(each)}
    for name, value in vars(owner).items():
        plain = type(value) in _VALUES and name.islower() and name[0] != "_"
        if plain and name not in annotated:
            yield (
                f"{owner.__name__}.{name} has no annotation, so it is not a field: write its "
                f"type, {name}: ... = ..., or ClassVar[...]"
            )


def _faults_of_default(where: str, field: inspect.Field, hint: Any) -> Iterator[str]:
    if field.default is not msgspec.NODEFAULT and not _fits(field.default, hint):
        name = where.rpartition(".")[2]
        yield (
            f"{where} is {describe(field.default)} by default, which is not {name_type(hint)}: "
            f"write {name}: {name_type(hint)} | {name_type(type(field.default))} = ..., or "
            "another default"
        )


def _faults_of_factory(where: str, factory: Any) -> Iterator[str]:
    """Yield what is wrong with a default_factory, which each decoding of a value calls."""
    if factory is msgspec.NODEFAULT:
        return
    try:
        first, second, third = (_encode(contain(factory)) for _ in range(3))
    except (Exception, Escaped) as problem:  # an author's code may raise anything
        yield f"the default_factory of {where} raises {type(problem).__name__}: write a function"
        return
    if not first == second == third:
        yield (
            f"the default_factory of {where} makes a new value each time, so each step would "
            "get another one: remove the default, and pass the value when you start the saga"
        )


def _encode(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except (TypeError, ValueError, RecursionError):
        return b""


def _fits(default: Any, hint: Any) -> bool:
    """Return whether a default fits its field's type; True if that is unknown."""
    try:
        encoded = msgspec.json.encode(default)
    except (TypeError, ValueError, RecursionError):
        return True
    try:
        contain(lambda: msgspec.json.decode(encoded, type=hint))
    except msgspec.ValidationError:
        return False
    except Exception:  # an annotation that cannot be resolved, or an author's own check
        return True
    return True


def _hints_of(owner: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except Exception:  # an annotation may be any expression
        return {}


def _annotations(kind: type) -> Iterable[str]:
    return getattr(kind, "__annotations__", {})
