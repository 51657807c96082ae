"""What a step's function says that it returns, as far as that marks something as secret."""

import functools
import inspect
import typing
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lib.saga.definition.types.secret import WHOLLY_SECRET, is_marked


def returned_type(function: Callable[..., Any]) -> Any:
    """Return the type that a function's annotation gives its result, if that has a mark, or Any.

    If the annotation is a text that cannot be resolved, such as a name that is imported only for
    type checkers, all of the result counts as secret.
    """
    function = _unwrap(function)
    annotation = getattr(function, "__annotations__", {}).get("return", Any)
    names = getattr(function, "__globals__", {})
    try:
        holder = SimpleNamespace(__annotations__={"return": annotation})
        kind = typing.get_type_hints(holder, names, include_extras=True)["return"]
    except Exception:  # an annotation is any expression
        return WHOLLY_SECRET
    try:
        return kind if is_marked(kind) else Any
    except Exception:  # no type of JSON: its values cannot be stored either
        return Any


def _unwrap(function: Any) -> Any:
    """Return the function whose annotations count."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = inspect.getattr_static(type(function), "__call__", function)
    return inspect.unwrap(getattr(function, "__func__", function))
