"""Compares the annotations of an author's function with its arguments and expected result."""

import concurrent.futures
import dataclasses
import functools
import inspect
import typing
from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Iterator
from types import SimpleNamespace, UnionType
from typing import Annotated, Any

from lib.saga.definition.checks.error import describe, name_type

#: Annotations of numbers accept each other's values, although none is a subclass of another.
_NUMBERS = (int, float, complex)

#: Types whose JSON has no fields.
_SCALARS = (bool, int, float, str, bytes)

#: Results of functions that have not done their work.
_DEFERRED = (Awaitable, AsyncIterable, Generator, concurrent.futures.Future, BaseException)


def faults_of_parameter(label: str, function: Any, index: int, given: Any) -> Iterator[str]:
    """Yield what is wrong with the parameter at `index`, which gets values of type `given`.

    Only classes are compared. A parameter without an annotation, or with one that cannot be
    resolved, passes.
    """
    name, wanted = annotation_of(function, index)
    if not may_be(given, wanted):
        # Outputs are passed as a dict, but a function should only promise to read them.
        shown = "Mapping[str, Any]" if given is dict else name_type(given)
        yield (
            f"{label} is {describe(function)}, whose parameter {name} is annotated "
            f"{name_type(wanted)}, but it is called with {shown}: write {name}: {shown}"
        )


def faults_of_result(label: str, function: Any, wanted: Any) -> Iterator[str]:
    """Yield what is wrong with a function's return annotation, where type `wanted` is expected."""
    returned = _returned(function)
    members = typing.get_args(returned) if _is_union(returned) else (returned,)
    if deferred := [each for each in members if _is_deferred(each)]:
        yield (
            f"{label} is {describe(function)}, annotated to return {name_type(deferred[0])}, which "
            "the engine does not await, call, read or raise: return a finished result, or raise"
        )
    elif not any(_may_become(each, wanted) for each in members):
        yield (
            f"{label} is {describe(function)}, annotated to return {name_type(returned)}, but "
            f"{name_type(wanted)} is expected: write -> {name_type(wanted)}"
        )


def annotation_of(function: Any, index: int) -> tuple[str, Any]:
    """Return the name and the annotation of a parameter; ("", Any) if that is unknown."""
    try:
        parameter = list(_signature(function).parameters.values())[index]
        return parameter.name, _resolve(function, parameter.annotation)
    except Exception:  # an annotation may be any expression
        return "", Any


def _returned(function: Any) -> Any:
    try:
        return _resolve(function, _signature(function).return_annotation)
    except Exception:  # an annotation may be any expression
        return Any


def _signature(function: Any) -> inspect.Signature:
    # functools.wraps copies the annotations of another function.
    if hasattr(function, "__wrapped__"):
        raise TypeError("the parameters and result of a wrapper are unknown")
    return inspect.signature(function, follow_wrapped=False)


def _resolve(function: Any, annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    while isinstance(function, functools.partial):
        function = function.func
    called = function if inspect.isroutine(function) else type(function).__call__
    names = getattr(called, "__globals__", {})
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return typing.get_type_hints(holder, names)["it"]


def may_be(given: Any, wanted: Any) -> bool:
    """Return whether a parameter accepts values of a type; True if that is unknown."""
    given, wanted = _plain(given), _plain(wanted)
    if _is_union(wanted):
        return any(may_be(given, each) for each in typing.get_args(wanted))
    if _is_union(given):
        return any(may_be(each, wanted) for each in typing.get_args(given))
    given, wanted = typing.get_origin(given) or given, typing.get_origin(wanted) or wanted
    anything = any(each is Any or each is object for each in (given, wanted))
    if anything or not isinstance(given, type) or not isinstance(wanted, type):
        return True
    if given in _NUMBERS and wanted in _NUMBERS:
        return True
    try:
        return issubclass(given, wanted)
    except Exception:  # a Protocol or a TypedDict; a metaclass may answer anything
        return True


def _may_become(returned: Any, wanted: Any) -> bool:
    """Return whether JSON of type `returned` may decode to `wanted`, judging by classes alone."""
    if may_be(returned, wanted):
        return True
    if returned is type(None):
        return wanted is not bool  # a function that always raises has this annotation too
    return not (_has_fields(_plain(wanted)) and (returned in _SCALARS or _has_fields(returned)))


def _has_fields(kind: Any) -> bool:
    return hasattr(kind, "__struct_fields__") or dataclasses.is_dataclass(kind)


def _is_deferred(kind: Any) -> bool:
    owner = typing.get_origin(kind) or kind
    if owner is Callable:
        return True
    return isinstance(owner, type) and owner is not Any and issubclass(owner, _DEFERRED)


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, UnionType)


def _plain(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind
