"""A caller that waits for an end costs one lookup per look, and none to show the end."""

from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest

from functions.sagas import callers
from functions.wait import Wait
from lib.saga.operators.waiters import Waiters
from tests.saga.bench import NAMES, Bench, start


@pytest.fixture(params=["wait=5", ""])
def prefer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def waits(bench: Bench, prefer: str) -> Iterator[Callable[[], Wait]]:
    """Return the waiters of a caller whose saga ends while it waits."""

    def sleep(_: float) -> None:
        bench.run_to_end()

    waiters = Waiters(bench.engine.repository, sleep=sleep)
    headers = {"Prefer": prefer} if prefer else {}
    with flask.Flask("x").test_request_context(headers=headers) as context:
        yield lambda: Wait(context.request, lambda: waiters)


def plain(function: Any) -> Any:
    return function.__wrapped__


def test_get_saga_shows_an_ended_saga_with_one_lookup(
    bench: Bench, waits: Callable[[], Wait]
) -> None:
    start(bench)
    bench.run_to_end()
    bench.rpc.calls.clear()
    reply = plain(callers.get_saga)("s", bench.engine, waits())
    assert (reply.status, reply.value["status"]) == (200, "COMPLETED")
    assert len(reply.value["events"]) > len(NAMES)
    assert bench.rpc.calls == {"Lookup": 1}


def test_get_saga_with_a_wait_does_one_lookup_for_each_look(
    bench: Bench, waits: Callable[[], Wait], prefer: str
) -> None:
    start(bench)
    bench.rpc.calls.clear()
    reply = plain(callers.get_saga)("s", bench.engine, waits())
    assert reply.value["status"] == ("COMPLETED" if prefer else "PENDING")
    deliveries = len(NAMES) if prefer else 0
    assert bench.rpc.calls["Lookup"] == deliveries + (2 if prefer else 1)


def test_start_saga_with_a_wait_shows_the_end_that_it_has_seen(
    bench: Bench, waits: Callable[[], Wait], prefer: str
) -> None:
    body = callers.NewSaga(name="letters", payload={"n": 1}, id="s")
    reply = plain(callers.start_saga)(body, bench.engine, None, waits())
    assert reply.status == (200 if prefer else 202)
    assert ("events" in reply.value) is bool(prefer)
    assert bench.rpc.calls["Lookup"] == (len(NAMES) + 1 if prefer else 0)
