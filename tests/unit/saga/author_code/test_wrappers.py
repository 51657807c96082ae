"""The wrapper is what is called; the wrapped function counts if all arguments are passed on."""

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.saga.definition.checks import DeclarationError
from lib.saga.definition.steps import Step


async def later(payload: Any, context: Any) -> int:
    return 1


def one_by_one(payload: Any, context: Any) -> Iterator[int]:
    yield 1


def act(payload: Any, context: Any) -> int:
    return 1


def short(payload: Any) -> int:
    return 1


def long(payload: Any, context: Any, store: Any) -> int:
    return 1


@functools.cache
def kept(payload: Any, context: Any) -> int:
    return 1


def logged(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        print("before")
        return function(*args, **options)

    return wrapper


def timed(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(payload: Any, context: Any) -> Any:
        with timer():
            result = function(payload, context)
        return result  # noqa: RET504  it may be returned by a name, too

    return wrapper


@contextlib.contextmanager
def timer() -> Iterator[None]:
    yield


class Logged:
    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


class Desk:
    @logged
    async def pay(self, payload: Any, context: Any) -> None: ...

    @logged
    def refund(self, payload: Any) -> None: ...

    @functools.cache  # noqa: B019  this is the mistake
    def keep(self, payload: Any, context: Any) -> int:
        return 1

    @logged
    def right(self, payload: Any, context: Any) -> int:
        return 1


def runs(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return asyncio.run(function(*args))

    return wrapper


def runs_if_async(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return asyncio.run(function(*args))
        return function(*args)

    return wrapper


def runs_what_comes(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        result = function(*args)
        if inspect.isawaitable(result):
            result = asyncio.run(result)  # type: ignore[arg-type]
        return result

    return wrapper


def runs_nested(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        def call() -> Any:
            return function(*args)

        return asyncio.run(call())

    return wrapper


def reads_all(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return list(function(*args))

    return wrapper


def adds_store(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args, None)

    return wrapper


def drops_context(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(payload: Any, context: Any) -> Any:
        return function(payload)

    return wrapper


HIDDEN: list[tuple[Any, str]] = [
    (logged(later), "is an async function"),
    (timed(later), "is an async function"),
    (timer()(later), "is an async function"),
    (logged(timed(logged(later))), "is an async function"),
    (adds_store(later), "is an async function"),
    (functools.partial(logged(later)), "is an async function"),
    (Logged(later), "is an async function"),
    (Desk().pay, "is an async function"),
    (logged(one_by_one), "is a generator"),
    (logged(short), r"the function short: .* it takes \(payload"),
    (timed(logged(long)), r"the function long: .* it takes \(payload.*store"),
    (functools.partial(logged(act), 1), r"it takes \(context"),
    (Logged(short), r"it takes \(payload"),
    (Desk().refund, r"it takes \(payload"),
    (logged(kept), "is a cached function"),
    (functools.partial(kept), "is a cached function"),
    (Desk().keep, "is a cached function"),
]


@pytest.mark.parametrize(("action", "words"), HIDDEN)
def test_a_mistake_that_a_wrapper_hides_is_refused_at_declaration(action: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=f"step a: execute.*{words}.*[:;] (write|remove)"):
        Step("a", execute=action)


RIGHT: list[Callable[..., Any]] = [
    *(wrap(later) for wrap in (runs, runs_if_async, runs_what_comes, runs_nested)),
    reads_all(one_by_one),
    adds_store(long),
    drops_context(short),
    functools.wraps(long)(lambda *args: None),
    functools.partial(logged(long), 1),
    *(logged(act), timed(act), Logged(act), Desk().right),
]


@pytest.mark.parametrize("action", RIGHT)
def test_a_wrapper_that_makes_a_function_fit_is_accepted(action: Any) -> None:
    assert Step("a", execute=action).execute is action


def test_a_wrapper_around_itself_is_accepted() -> None:
    wrapper = logged(act)
    wrapper.__wrapped__ = wrapper
    assert Step("a", execute=wrapper).execute is wrapper
