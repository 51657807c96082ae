"""The pieces of the wrong declarations in test_declaration.py."""

import datetime as datetime_module
import functools
import types
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Protocol, TypeVar
from unittest.mock import Mock

import msgspec
from msgspec import Meta, Struct

from lib.saga.definition.child import Child
from lib.saga.definition.context import StepContext
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Step, Timer
from lib.saga.definition.table import Definitions
from lib.saga.remote.http_call import HttpCall


def act(payload: Any, call: StepContext) -> Any:
    return None


def one(payload: Any) -> Any:
    return None


def three(payload: Any, call: StepContext, store: Any) -> Any:
    return None


def named(payload: Any, *, call: StepContext) -> Any:
    return None


def nothing() -> None:
    return None


async def later(payload: Any, call: StepContext) -> None:
    return None


def piecemeal(payload: Any, call: StepContext) -> Iterator[int]:
    yield 1


async def later_piecemeal(payload: Any, call: StepContext) -> AsyncIterator[int]:
    yield 1


def yes(payload: Any, outputs: Mapping[str, Any]) -> bool:
    return True


def for_first(payload: "First", call: StepContext) -> Any:
    return None


def swapped(call: StepContext, payload: "Second") -> Any:
    return None


def if_first(payload: "First", outputs: Mapping[str, Any]) -> bool:
    return True


def for_either(payload: "First | Second", call: StepContext) -> Any:
    return None


@functools.wraps(for_first)
def adapted(payload: Any, call: StepContext) -> Any:
    return None


@functools.lru_cache
def cached(payload: Any, call: StepContext) -> Any:
    return None


class Service:
    def execute(self, payload: Any, call: StepContext) -> Any:
        return None

    async def execute_later(self, payload: Any, call: StepContext) -> Any:
        return None


class FirstCaller:
    def __call__(self, payload: "First", call: StepContext) -> Any:
        return None


class Caller:
    def __call__(self, payload: Any, call: StepContext) -> Any:
        return None


class LateCaller:
    async def __call__(self, payload: Any, call: StepContext) -> Any:
        return None


class Plain:
    """A class that msgspec does not know."""


class First(Struct):
    a: int


class Second(Struct):
    b: int


class Ahead(Struct):
    what: "Missing"  # type: ignore[name-defined]  # noqa: F821


class Inside(Struct):
    plain: list[Plain]


@dataclass
class WithInitVar:
    a: int
    extra: InitVar[int]


@dataclass
class Unannotated:
    a: int
    count = 5


class UnannotatedStruct(Struct):
    a: int
    count = 5


class Constants(Struct):
    MAX_COUNT = 5
    count: ClassVar[int] = 5
    a: int


class AProtocol(Protocol):
    a: int


def a(name: str = "a", **options: Any) -> Step:
    """Return a good step."""
    return Step(name, execute=act, **options)


def saga(*steps: Any, **options: Any) -> Saga:
    """Return a saga of steps, by default of one good one."""
    return Saga(**{"name": "pay", "payload": dict, "steps": steps or (a(),), **options})


def child(name: str = "c", of: Any = None, **options: Any) -> Child:
    """Return a good step that is a child saga."""
    return Child(name, saga=of or saga(name="kid"), payload=lambda p, _: p, **options)


def many(count: int, **options: Any) -> tuple[Step, ...]:
    """Return this number of good steps."""
    return tuple(a(f"s{number}", **options) for number in range(count))


def nested(depth: int) -> Saga:
    """Return a saga with nested children, all with long names."""
    inner = saga(name="kid-0")
    for level in range(depth):
        inner = saga(child("n" * 100, inner), name=f"kid-{level + 1}")
    return inner


SCOPE = {name: value for name, value in globals().items() if not name.startswith("__")} | {
    "d": timedelta,
    "Any": Any,
    "Annotated": Annotated,
    "Meta": Meta,
    "Mock": Mock,
    "TypeVar": TypeVar,
    "Raw": msgspec.Raw,
}

__all__ = [
    "SCOPE",
    "Ahead",
    "Caller",
    "Definitions",
    "First",
    "HttpCall",
    "Inside",
    "LateCaller",
    "OnCompensationFailure",
    "Parallel",
    "Plain",
    "RetryPolicy",
    "Second",
    "Service",
    "Signal",
    "Timer",
    "datetime",
    "datetime_module",
    "functools",
    "later",
    "later_piecemeal",
    "many",
    "named",
    "nested",
    "nothing",
    "one",
    "piecemeal",
    "three",
    "types",
    "yes",
]
