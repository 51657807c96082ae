"""Code that only looks as if it had run: coroutines, generators and futures.

Steps are plain functions: nobody here awaits what one returns, and nobody iterates over it.
"""

import concurrent.futures
import functools
import inspect
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeVar

T = TypeVar("T")

#: Not every iterator: a database's cursor is one, and its statement has run.
_UNRUN = (
    Awaitable,
    GeneratorType,
    AsyncGeneratorType,
    concurrent.futures.Future,
    map,
    filter,
    itertools.starmap,
)

_CONTAINERS = (list, tuple, set, frozenset, dict)


class NotRun(Exception):
    """A function returned code that has still to run: nothing shows that its work was done."""


def refuse_deferred(function: object, what: str) -> None:
    """Raise ValueError for a function that a call would not run: async, or a generator.

    `what` says in the message which one it is, such as "step pay: execute". Partials, bound
    methods and objects with an async `__call__` are looked through. What is not callable passes:
    that is another mistake.
    """
    kind = _kind_of(function)
    if kind:
        raise ValueError(
            f"{what} is {kind}, and calling it runs nothing: write a plain function "
            "(`def`, no `yield`); inside it, asyncio.run(...) runs what is async"
        )


def check_ran(value: T, what: str) -> T:
    """Return a function's result; raise NotRun if any of it has still to run.

    Lists, tuples, sets and dicts are looked through. What has not run is closed, so that Python
    does not warn of it later.
    """
    unrun = list(_find_unrun(value))
    if not unrun:
        return value
    for each in unrun:
        _close(each)
    raise NotRun(
        f"{what} returned {_name(unrun[0])}, which nobody here runs: "
        "await it, or iterate over it, before you return"
    )


def _kind_of(function: object) -> str:
    called = _unwrap(function)
    if inspect.iscoroutinefunction(called):
        return "an async function"
    if inspect.isasyncgenfunction(called):
        return "an async generator"
    return "a generator" if inspect.isgeneratorfunction(called) else ""


def _unwrap(function: Any) -> Any:
    """Return the plain function that a call would reach."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, staticmethod | classmethod):
            function = function.__func__
        elif inspect.isroutine(function) or inspect.isclass(function) or not callable(function):
            return function
        else:
            return _unwrap_object(function)


def _unwrap_object(called: Callable[..., Any]) -> Any:
    marked = inspect.iscoroutinefunction(called)  # by inspect.markcoroutinefunction
    return called if marked else inspect.getattr_static(type(called), "__call__")


def _find_unrun(value: Any) -> Iterator[Any]:
    todo, seen = [value], set()
    while todo:
        each = todo.pop()
        if isinstance(each, _UNRUN) or inspect.isawaitable(each):
            yield each
        elif isinstance(each, _CONTAINERS) and id(each) not in seen:
            seen.add(id(each))
            todo += each.values() if isinstance(each, dict) else each


def _close(unrun: Any) -> None:
    for end in ("close", "cancel"):
        with suppress(Exception):
            getattr(unrun, end)()


def _name(unrun: Any) -> str:
    kind = type(unrun).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    name = getattr(unrun, "__qualname__", "")
    return f"{article} {kind} ({name})" if name else f"{article} {kind}"
