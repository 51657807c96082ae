"""Checks that an author's functions can be called with the arguments that they will get."""

import functools
import inspect
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

from lib.saga.author_code.deferred_work import refuse_deferred
from lib.saga.author_code.wrappers import MAX_WRAPPERS, reached_by, wrapped_by
from lib.saga.definition.checks.error import Declared, describe

ACTION = ("payload", "context")
PURE = ("payload", "outputs")

#: Usual names of parameters, by position; in another position they are a mistake.
_NAMES_AT = (("payload",), ("context", "ctx", "outputs"))
_NAMES = tuple(name for names in _NAMES_AT for name in names)


def faults_of_function(label: str, function: object, parameters: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with a function that is called with these parameters, by position.

    A function that cannot be inspected, such as a builtin, passes.
    """
    called_with = f"({', '.join(parameters)})"
    write = f"write {label}=f, where f is def f{called_with}"
    if isinstance(function, type):
        yield f"{label} is {describe(function)}: calling it only makes an object; {write}"
    elif isinstance(function, Declared) or not callable(function):
        yield f"{label} is {describe(function)}, not a function: {write}, without calling it"
    elif any(map(_is_cached, reached_by(function))):
        # A second saga with an equal payload would skip its effects.
        yield f"{label} is a cached function, which does not run on each call: remove the cache"
    else:
        try:
            refuse_deferred(function, label)
        except ValueError as problem:
            yield str(problem)
        if _is_context_manager(function):
            yield f"{label} is {describe(function)}, a context manager that nobody enters: {write}"
        if mismatch := next(filter(None, _mismatches(function, parameters)), ""):
            yield (
                f"{label} is {describe(function)}: {called_with} does not fit: {mismatch}; {write}"
            )


def _is_context_manager(function: Callable[..., object]) -> bool:
    """Return whether contextlib made a function from a generator."""
    names = getattr(function, "__globals__", None)
    if not isinstance(names, dict) or names.get("__name__") != "contextlib":
        return False
    inner = inspect.unwrap(function)
    return inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)


def _is_cached(function: Any) -> bool:
    while isinstance(function, functools.partial | MethodType):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    return inspect.getattr_static(function, "cache_info", None) is not None


def _mismatches(function: Any, parameters: tuple[str, ...]) -> Iterator[str]:
    """Yield why calls fail of a function, and of the functions that get all of its arguments.

    A wrapper may also add arguments: then the function that it wraps is not judged.
    """
    yield _mismatch(function, parameters)
    for _ in range(MAX_WRAPPERS):
        inner = wrapped_by(function)
        if inner is None or not inner.passes_all_arguments:
            return
        function = inner.function
        yield _mismatch(function, parameters)


def _mismatch(function: Callable[..., object], parameters: tuple[str, ...]) -> str:
    """Return why a call with these parameters would fail; "" if it would not, or if unknown."""
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except Exception as problem:  # an object may raise anything when it is looked at
        return _mismatch_of_partial(function, problem)
    try:
        signature.bind(*parameters)
    except TypeError as problem:
        hint = ": pass a method of an instance" if "self" in signature.parameters else ""
        return f"it takes {signature} ({problem}){hint}"
    return _misplaced(list(signature.parameters.values()), parameters)


def _mismatch_of_partial(function: Any, problem: Exception) -> str:
    """Return which arguments of a partial do not fit its function; "" if all of them do."""
    if not isinstance(function, functools.partial):
        return ""
    try:
        inner = inspect.signature(function.func, follow_wrapped=False)
        inner.bind_partial(*function.args, **function.keywords)
    except TypeError as mismatch:
        return f"the partial does not fit {describe(function.func)} ({mismatch})"
    except ValueError:
        return ""
    return str(problem)


def _misplaced(found: list[inspect.Parameter], parameters: tuple[str, ...]) -> str:
    """Return which parameter is in another one's position, judging by its name; "" if none is.

    Parameters with an annotation are not judged. Other engines pass the context first.
    """
    for place, parameter in enumerate(found[: len(parameters)]):
        named = parameter.annotation is parameter.empty
        if place == 0 and parameter.name in ("self", "cls"):
            return f"its first parameter is {parameter.name}: pass a method of an instance"
        if named and parameter.name in _NAMES and parameter.name not in _NAMES_AT[place]:
            return f"its parameter {place + 1} is {parameter.name}: the payload comes first"
    return ""
