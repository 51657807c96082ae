"""The return annotation of a step's function, which may mark parts of the output as secret."""

import functools
import inspect
import typing
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lib.saga.definition.types.secret import WHOLLY_SECRET, is_marked


def returned_type(function: Callable[..., Any]) -> Any:
    """Return a function's return annotation if it marks secrets, otherwise Any.

    If the annotation cannot be resolved, such as a name that is imported only for type checkers,
    the whole result counts as secret.
    """
    function = _unwrap(function)
    annotation = getattr(function, "__annotations__", {}).get("return", Any)
    names = getattr(function, "__globals__", {})
    try:
        holder = SimpleNamespace(__annotations__={"return": annotation})
        kind = typing.get_type_hints(holder, names, include_extras=True)["return"]
    except Exception:  # an annotation may be any expression
        return WHOLLY_SECRET
    try:
        return kind if is_marked(kind) else Any
    except Exception:  # not a JSON type: its values cannot be stored either
        return Any


def _unwrap(function: Any) -> Any:
    """Return the function whose annotations count."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = inspect.getattr_static(type(function), "__call__", function)
    function = getattr(function, "__func__", function)
    try:
        return inspect.unwrap(function)
    except ValueError:  # it wraps itself
        return function
