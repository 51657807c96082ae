"""Finds work that only seems to have run: coroutines, generators, functions that were not called.

Steps are plain functions. The engine does not await, call, raise or iterate over what they return.
It does not wait for its end, and checks neither an HTTP status nor an exit code.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import inspect
import sys
import threading
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import (
    Awaitable,
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    ValuesView,
)
from contextlib import suppress
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    NotImplementedType,
    SimpleNamespace,
)
from typing import Any, TypeVar

from msgspec import Struct

from lib.saga.author_code.wrappers import reached_by

T = TypeVar("T")

_AWAITED = (Awaitable, AsyncGeneratorType, concurrent.futures.Future)

#: Lazy iterators; those of itertools count too. Other iterators may have done their work: a
#: database cursor's statement has run.
_ITERATED = (GeneratorType, map, filter, zip, enumerate)

_CALLED = (FunctionType, BuiltinFunctionType, MethodType, functools.partial, type)

_ENTERED = (contextlib._GeneratorContextManager, contextlib._AsyncGeneratorContextManager)

_RAISED = (BaseException, NotImplementedType)

#: The attributes with the status of a response, in common HTTP clients.
_STATUS = ("status_code", "status")
_FIRST_ERROR = 400

_MAPPINGS = (dict, ChainMap, MappingProxyType, UserDict)

_CONTAINERS = (list, tuple, set, frozenset, deque, UserList, KeysView, ValuesView, ItemsView)


class NotRun(Exception):
    """A function returned work that has not run, or an error that was not raised.

    So it is unknown whether its work was done.
    """


def refuse_deferred(function: object, what: str) -> None:
    """Raise ValueError for a function that does not run when it is called: async, or a generator.

    `what` names the function in the message, such as "step pay: execute". Partials, bound methods,
    objects with an async `__call__`, and wrappers that return what an async function returns are
    unwrapped. Values that are not callable pass: another check refuses them.
    """
    kind = next(filter(None, map(_kind_of, reached_by(function))), "")
    if kind:
        raise ValueError(
            f"{what} is {kind}, and calling it runs nothing: write a plain function "
            "(`def`, no `yield`); inside it, asyncio.run(...) runs what is async"
        )


def check_ran(value: T, what: str) -> T:
    """Return a function's result; raise NotRun if anything in it has not run or was not raised.

    Looks into collections, and into the fields of dataclasses, structs and namespaces. Closes work
    that has not run, so that Python does not warn about it later.
    """
    unrun = list(_find_unrun(value))
    if not unrun:
        return value
    for each, _ in unrun:
        _close(each)
    first, advice = unrun[0]
    raise NotRun(f"{what} returned {_name(first)}, {advice}")


def _kind_of(function: object) -> str:
    called = _unwrap(function)
    if inspect.iscoroutinefunction(called):
        return "an async function"
    if inspect.isasyncgenfunction(called):
        return "an async generator"
    return "a generator" if inspect.isgeneratorfunction(called) else ""


def _unwrap(function: Any) -> Any:
    """Return the plain function that a call reaches."""
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


def _find_unrun(value: Any) -> Iterator[tuple[Any, str]]:
    """Yield everything in a result that has not run, with advice."""
    todo, seen = [value], set()
    while todo:
        each = todo.pop()
        if advice := _advise(each):
            yield each, advice
        elif id(each) not in seen:
            seen.add(id(each))
            todo += _contents_of(each)


def _contents_of(value: Any) -> Iterable[Any]:
    """Return what a container holds: the fields of an object too, if these are its value."""
    if isinstance(value, _MAPPINGS):
        return [*value, *value.values()]
    if isinstance(value, _CONTAINERS):
        return value
    if isinstance(value, SimpleNamespace):
        return vars(value).values()
    if isinstance(value, Struct):
        return [getattr(value, name, None) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [each.name for each in dataclasses.fields(value) if each.compare]
        return [getattr(value, name, None) for name in fields]
    return ()


def _advise(value: Any) -> str:
    """Return advice about a value that has not run; "" for any other value."""
    if isinstance(value, _AWAITED) or inspect.isawaitable(value):
        return "which the engine does not await: await it before you return"
    if isinstance(value, _ITERATED) or type(value).__module__ == "itertools":
        return "which the engine does not read: iterate over it before you return"
    if isinstance(value, _RAISED) or _is_class_of_error(value):
        return "but returning an error does not raise it: write raise"
    if isinstance(value, _CALLED):
        return "which the engine does not call: call it, with () after its name"
    if isinstance(value, _ENTERED):
        return "which the engine does not enter: remove its decorator, or enter it using `with`"
    if _is_going_on(value):
        return "which has not ended: wait for it before you return"
    if status := _find_error(value):
        return f"with status {status}, which nothing checks: write .raise_for_status(), or raise"
    if code := _find_exit_code(value):
        return f"which ended with exit code {code}, and nothing checks it: raise an error"
    return ""


def _is_going_on(value: Any) -> bool:
    """Return whether a value is a thread or a process that has not begun or has not ended."""
    if isinstance(value, threading.Thread):
        return value.is_alive() or value.ident is None
    if _is_of(value, "subprocess", "Popen"):
        return value.poll() is None
    return _is_of(value, "multiprocessing.process", "BaseProcess") and value.exitcode is None


def _find_exit_code(value: Any) -> int:
    """Return the exit code of a process that has ended with an error; otherwise 0."""
    if _is_of(value, "multiprocessing.process", "BaseProcess"):
        return value.exitcode or 0
    is_process = _is_of(value, "subprocess", "Popen")
    if is_process or _is_of(value, "subprocess", "CompletedProcess"):
        return value.returncode or 0
    return 0


def _is_of(value: object, module: str, name: str) -> bool:
    """Return whether a value is of a class, without importing the module of that class."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _find_error(value: Any) -> int:
    """Return the error status of an HTTP client's response; 0 for any other value."""
    if not hasattr(value, "headers"):
        return 0
    found = (getattr(value, name, 0) for name in _STATUS)
    return next((each for each in found if type(each) is int and each >= _FIRST_ERROR), 0)


def _is_class_of_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _close(unrun: Any) -> None:
    if isinstance(unrun, type):
        return
    for end in ("close", "cancel"):
        with suppress(Exception):
            getattr(unrun, end)()


def _name(unrun: Any) -> str:
    kind = type(unrun).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    name = getattr(unrun, "__qualname__", "")
    return f"{article} {kind} ({name})" if name else f"{article} {kind}"
