"""What an author's function says of its parameters, compared with what it will be called with."""

import functools
import inspect
import typing
from collections.abc import Iterator
from types import SimpleNamespace, UnionType
from typing import Annotated, Any

from lib.saga.definition.checks.error import describe

#: What Python takes for one another in an annotation, although neither is a subclass.
_NUMBERS = (int, float, complex)


def faults_of_parameter(label: str, function: Any, index: int, given: Any) -> Iterator[str]:
    """Yield what is wrong with a parameter, by its place, that is handed a value of a type.

    Only a class is compared with a class: what has no annotation, or one that cannot be resolved,
    is taken as right.
    """
    name, wanted = _annotation_of(function, index)
    if not _may_be(given, wanted):
        yield (
            f"{label} is {describe(function)}, whose parameter {name} is annotated "
            f"{_name(wanted)}, but it is called with {_name(given)}: write {name}: {_name(given)}"
        )


def _annotation_of(function: Any, index: int) -> tuple[str, Any]:
    # What functools.wraps copies are the annotations of another function.
    if hasattr(function, "__wrapped__"):
        return "", Any
    try:
        parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
        parameter = parameters[index]
        return parameter.name, _resolve(function, parameter.annotation)
    except Exception:  # an annotation is any expression
        return "", Any


def _resolve(function: Any, annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    while isinstance(function, functools.partial):
        function = function.func
    called = function if inspect.isroutine(function) else type(function).__call__
    names = getattr(called, "__globals__", {})
    holder = SimpleNamespace(__annotations__={"it": annotation})
    return typing.get_type_hints(holder, names)["it"]


def _may_be(given: Any, wanted: Any) -> bool:
    """Return whether a value of a type may be handed to a parameter; True where nobody can tell."""
    given, wanted = _plain(given), _plain(wanted)
    if typing.get_origin(wanted) in (typing.Union, UnionType):
        return any(_may_be(given, each) for each in typing.get_args(wanted))
    if typing.get_origin(given) in (typing.Union, UnionType):
        return any(_may_be(each, wanted) for each in typing.get_args(given))
    given, wanted = typing.get_origin(given) or given, typing.get_origin(wanted) or wanted
    anything = any(each is Any or each is object for each in (given, wanted))
    if anything or not isinstance(given, type) or not isinstance(wanted, type):
        return True
    if given in _NUMBERS and wanted in _NUMBERS:
        return True
    try:
        return issubclass(given, wanted)
    except TypeError:  # a Protocol or a TypedDict
        return True


def _plain(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
