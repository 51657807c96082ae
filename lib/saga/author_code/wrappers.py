"""Finds the functions inside wrappers that `functools.wraps` marks.

The wrapper is what is called. The wrapped function counts only if the wrapper's source shows which
arguments it gets, or that its result is returned.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

#: The maximum number of nested wrappers that are examined.
MAX_WRAPPERS = 20


class Wrapped(NamedTuple):
    """The function that a wrapper calls."""

    function: Any
    #: Whether it gets all of the wrapper's own arguments.
    passes_all_arguments: bool
    #: Whether the wrapper returns its result.
    is_returned: bool


def wrapped_by(function: Any) -> Wrapped | None:
    """Return what a wrapper calls; None for any other function, or if the source is missing."""
    if isinstance(function, functools.partial):
        arguments, options = function.args, function.keywords
        return _rebind(function.func, lambda f: functools.partial(f, *arguments, **options))
    if isinstance(function, MethodType):
        owner = function.__self__
        return _rebind(function.__func__, lambda f: MethodType(f, owner))
    wrapped = inspect.getattr_static(function, "__wrapped__", None)
    if wrapped is None or not callable(wrapped):
        return None
    if isinstance(function, FunctionType):
        source = _read_source(function.__code__)
        names = _names_of(wrapped, function)
        return None if source is None else _find_calls(source, wrapped, names)
    return _wrapped_by_object(function, wrapped)


def reached_by(function: Any) -> Iterator[Any]:
    """Yield a function, and the wrapped functions whose results it returns, from the outside in."""
    yield function
    for _ in range(MAX_WRAPPERS):
        inner = wrapped_by(function)
        if inner is None or not inner.is_returned:
            return
        function = inner.function
        yield function


def _rebind(function: Any, bind: Any) -> Wrapped | None:
    inner = wrapped_by(function)
    return inner and inner._replace(function=bind(inner.function))


def _wrapped_by_object(wrapper: Any, wrapped: Any) -> Wrapped | None:
    """Return what an object with its own `__call__` calls."""
    called = inspect.getattr_static(type(wrapper), "__call__", None)
    source = _read_source(getattr(called, "__code__", None))
    if source is None or not source.args.args:
        return None
    me = source.args.args[0].arg
    held = {f"{me}.{name}" for name, value in vars(wrapper).items() if value is wrapped}
    return _find_calls(source, wrapped, held | _names_of(wrapped, called), bound=1)


@functools.lru_cache
def _read_source(code: CodeType | None) -> ast.FunctionDef | None:
    if code is None:
        return None
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(code))).body[0]
    except (OSError, SyntaxError, IndexError):
        return None
    return found if isinstance(found, ast.FunctionDef) else None


def _names_of(wrapped: Any, wrapper: Any) -> set[str]:
    """Return the names of the wrapper's variables that hold the wrapped function."""
    try:
        variables = inspect.getclosurevars(wrapper)
    except ValueError:  # a variable has no value yet
        return set()
    named = {**variables.globals, **variables.nonlocals}
    return {name for name, value in named.items() if value is wrapped}


def _find_calls(
    source: ast.FunctionDef, wrapped: Any, names: set[str], bound: int = 0
) -> Wrapped | None:
    """Return what the wrapper's calls show; `bound` is the number of its own first parameters."""
    inside = [node for statement in source.body for node in ast.walk(statement)]
    uses = [node for node in inside if isinstance(node, ast.expr) and ast.unparse(node) in names]
    calls = [node for node in inside if isinstance(node, ast.Call) and node.func in uses]
    if not calls:
        return None
    returned = _find_returned(inside)
    return Wrapped(
        wrapped,
        passes_all_arguments=all(_passes_all_arguments(call, source.args, bound) for call in calls),
        is_returned=len(calls) == len(uses) and all(call in returned for call in calls),
    )


def _passes_all_arguments(call: ast.Call, own: ast.arguments, bound: int) -> bool:
    """Return whether a call passes the wrapper's own arguments on, in order."""
    wanted = [each.arg for each in (*own.posonlyargs, *own.args)][bound:]
    wanted += [f"*{own.vararg.arg}"] if own.vararg else []
    given = [ast.unparse(each) for each in call.args]
    return given == wanted and all(each.arg is None for each in call.keywords)


def _find_returned(inside: list[ast.AST]) -> list[ast.expr]:
    """Return the expressions whose values are returned, directly or through a variable."""
    nested = [node for node in inside if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    elsewhere = {node for function in nested for node in ast.walk(function)}
    returns = [each for each in inside if isinstance(each, ast.Return) and each not in elsewhere]
    returned = [each.value for each in returns if each.value]
    names = [each.id for each in returned if isinstance(each, ast.Name)]
    every = [node.id for node in inside if isinstance(node, ast.Name)]
    for each in (node for node in inside if isinstance(node, ast.Assign)):
        name = ast.unparse(each.targets[0])
        if name in names and every.count(name) == 1 + names.count(name):
            returned.append(each.value)
    return returned
