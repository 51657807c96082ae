"""Deferred code is refused when declared, and found when returned."""

import asyncio
import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing
import re
import sqlite3
import subprocess
import threading
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import requests
import urllib3
from msgspec import Struct

from lib.saga.author_code.deferred_work import NotRun, check_ran, refuse_deferred
from lib.saga.definition.child import Child
from lib.saga.definition.context import Permanent
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Step
from lib.saga.remote.http_call import HttpCall
from tests.unit.saga.machine.build import THREE, Played, act


async def in_future(*_: Any) -> None:
    """Look like an action."""


def one_by_one(*_: Any) -> Iterator[int]:
    yield 1


async def both(*_: Any) -> Any:
    yield 1


class Refund:
    async def __call__(self, *_: Any) -> None:
        """Look like an action too."""

    async def later(self, *_: Any) -> None:
        """And this."""

    @staticmethod
    async def alone(*_: Any) -> None:
        """And this."""


DEFERRED = [
    in_future,
    one_by_one,
    both,
    functools.partial(in_future, 1),
    functools.partial(functools.partial(one_by_one, 1), 2),
    Refund(),
    functools.partial(Refund()),
    Refund().later,
    Refund.alone,
    lambda *_: (yield),
]

PLACES: list[Callable[[Any], object]] = [
    lambda f: Step("pay", execute=f),
    lambda f: Step("pay", execute=act, compensate=f),
    lambda f: Step("pay", execute=act, status=f),
    lambda f: Step("pay", execute=act, when=f),
    lambda f: Signal("pay", when=f),
    lambda f: Child("pay", saga=THREE, payload=f),
    lambda f: HttpCall("https://pay.example/", body=f),
    lambda f: HttpCall("https://pay.example/", tokens=f),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", DEFERRED)
def test_a_deferred_function_is_refused_at_declaration(
    place: Callable[[Any], object], function: Any
) -> None:
    with pytest.raises(
        ValueError, match=r"pay.* is an? (async |generator).*write a plain function"
    ):
        place(function)


def test_a_compensation_that_is_async_is_refused_at_declaration() -> None:
    with pytest.raises(ValueError, match="step pay: compensate is an async function"):
        Step("pay", execute=act, compensate=in_future)


@pytest.mark.parametrize(
    "function",
    [act, functools.partial(act, 1), MagicMock(), dict, print, Saga, HttpCall("http://x")],
)
def test_a_plain_function_is_accepted(function: Any) -> None:
    refuse_deferred(function, "step pay: execute")


@dataclass
class Holder:
    value: Any
    callback: Any = field(default=print, compare=False)


class Held(Struct):
    value: Any


def make_deferred() -> list[Any]:
    return [
        in_future(),
        one_by_one(),
        both(),
        (each for each in [1]),
        map(print, [1]),
        filter(None, [1]),
        concurrent.futures.Future[int](),
        asyncio.new_event_loop().create_future(),
        [1, in_future()],
        {"done": (in_future(), in_future())},
        Holder(in_future()),
        [Held(value={"a": Holder([one_by_one()])})],
        SimpleNamespace(task=in_future()),
        MappingProxyType({"a": in_future()}),
        ChainMap({"a": in_future()}),
        UserDict(a=in_future()),
        UserList([in_future()]),
        *(view for made in [{"a": in_future()}] for view in (made.values(), made.items())),
    ]


def test_work_that_has_not_run_is_found() -> None:
    for value in make_deferred():
        with pytest.raises(NotRun, match=r"compensate returned an? .*: (await|iterate over) it"):
            check_ran(value, "compensate")


@contextlib.contextmanager
def undoing(*_: Any) -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (zip(map(print, [1]), [2], strict=True), "iterate over it"),
        (enumerate(map(print, [1])), "iterate over it"),
        (itertools.chain(map(print, [1])), "iterate over it"),
        (itertools.islice(map(print, [1]), 1), "iterate over it"),
        (deque([map(print, [1])]), "iterate over it"),
        ({map(print, [1]): 1}, "iterate over it"),
        (act, "call it"),
        (lambda: None, "call it"),
        (print, "call it"),
        ([].clear, "call it"),
        (functools.partial(act, 1), "call it"),
        (Refund, "call it"),
        (undoing(), "enter it using `with`"),
        (Permanent("no"), "write raise"),
        (Permanent, "write raise"),
        ([None, OSError()], "write raise"),
        (NotImplemented, "write raise"),
    ],
)
def test_unused_functions_contexts_errors_and_iterators_are_found(value: Any, advice: str) -> None:
    with pytest.raises(NotRun, match=rf"compensate returned .*{re.escape(advice)}"):
        check_ran(value, "compensate")


def answer(status: int) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    return made


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (threading.Thread(target=print), "wait for it before you return"),
        (multiprocessing.Process(target=print), "wait for it before you return"),
        ([answer(500)], r"with status 500.*raise_for_status"),
        (answer(404), r"with status 404.*raise_for_status"),
        (urllib3.HTTPResponse(status=503), r"with status 503.*raise_for_status"),
        (subprocess.CompletedProcess(["refund"], 1), "exit code 1.*raise an error"),
        ([subprocess.CompletedProcess(["refund"], -9)], "exit code -9.*raise an error"),
    ],
)
def test_running_work_and_failed_answers_are_found(value: Any, advice: str) -> None:
    with pytest.raises(NotRun, match=rf"compensate returned .*{advice}"):
        check_ran(value, "compensate")


def test_finished_work_and_successful_answers_are_accepted() -> None:
    ended = threading.Thread(target=bool)
    ended.start()
    ended.join()
    well: Any = subprocess.CompletedProcess(["refund"], 0)
    for value in (ended, well, answer(204), urllib3.HTTPResponse(status=200)):
        assert check_ran(value, "compensate") is value


@pytest.mark.parametrize("returned", [undoing(), lambda: True, Permanent("no"), "".isdigit])
def test_a_condition_that_returns_a_function_is_an_error(returned: Any) -> None:
    saga = Saga("s", dict, (Step("gift", execute=act, when=lambda _, __: returned),))
    played = Played(saga)
    assert played.saga.status == "ROLLED_BACK"
    assert played.steps[0].error.startswith("its when function returned a")


def test_a_coroutine_that_was_found_causes_no_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    for value in (in_future(), [in_future(), {"a": in_future()}]):
        with pytest.raises(NotRun, match=r"in_future"):
            check_ran(value, "compensate")
    del value
    said = [str(each.message) for each in recwarn]
    assert [text for text in said if "in_future" in text] == []


def test_a_result_whose_work_is_done_is_returned() -> None:
    itself: list[Any] = []
    itself.append(itself)
    cursor = sqlite3.connect(":memory:").execute("SELECT 1")
    objects = (object(), MagicMock(), Holder(1), Held(value=None), SimpleNamespace(a=1))
    for value in (None, 0, "text", [1, {"a": (2,)}], itself, cursor, *objects):
        assert check_ran(value, "execute") is value
