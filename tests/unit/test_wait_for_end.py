"""A committed start is answered as started, whatever fails afterward."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import flask
import pytest

from functions.sagas import callers
from functions.wait import Wait
from lib.edge.response.reply import Reply
from lib.errors import Unavailable
from lib.saga.operators import view
from lib.saga.operators.waiters import Waiters
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.timing.deadline import within
from tests.unit.saga.operators.test_waiters import RUNNING, Scripted, becomes, unavailable


class Started:
    """An engine that has started one saga."""

    def __init__(self, saga: SagaRecord) -> None:
        self.saga = saga

    def start(self, *_: Any, **__: Any) -> SagaRecord:
        return self.saga


@pytest.fixture
def request_of_a_waiter() -> Iterator[flask.Request]:
    with flask.Flask("x").test_request_context(headers={"Prefer": "wait=5"}) as context:
        yield context.request


def start(request: flask.Request, saga: SagaRecord, waiters: Waiters) -> Reply:
    wait = Wait(request, lambda: waiters)
    plain = callers.start_saga.__wrapped__  # type: ignore[attr-defined]
    body = callers.NewSaga(name="letters", payload={}, id="s")
    reply: Reply = plain(body, Started(saga), None, wait)
    return reply


def refuse(*_: Any) -> NoReturn:
    raise Unavailable("no Datastore")


def test_an_end_that_cannot_be_shown_is_answered_as_an_end(
    request_of_a_waiter: flask.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "show_saga", refuse)
    ended = replace(RUNNING, status=SagaStatus.COMPLETED)
    reply = start(request_of_a_waiter, ended, becomes(SagaStatus.COMPLETED, 0).waiters())
    assert (reply.status, reply.value["status"]) == (200, "COMPLETED")


def test_a_wait_whose_lookups_fail_is_202(request_of_a_waiter: flask.Request) -> None:
    reply = start(request_of_a_waiter, RUNNING, Scripted(0, unavailable).waiters())
    assert (reply.status, reply.value["status"]) == (202, "RUNNING")
    assert reply.headers["Location"] == "get-saga?id=s"


def test_without_a_free_place_the_answer_comes_at_once(
    request_of_a_waiter: flask.Request,
) -> None:
    repository = becomes(SagaStatus.COMPLETED, at=0)
    reply = start(request_of_a_waiter, RUNNING, repository.waiters(limit=0))
    assert (reply.status, repository.lookups) == (202, 0)
    assert "Preference-Applied" not in reply.headers


@pytest.mark.parametrize(("budget", "applied"), [(60, 5), (5.5, 4), (2, 1), (0.5, 0)])
def test_a_wait_leaves_time_for_the_answer(
    request_of_a_waiter: flask.Request, budget: float, applied: int
) -> None:
    repository = becomes(SagaStatus.COMPLETED, at=1e9)
    with within(timedelta(seconds=budget)):
        reply = start(request_of_a_waiter, RUNNING, repository.waiters())
    assert reply.headers["Preference-Applied"] == f"wait={applied}"
    assert repository.time == pytest.approx(applied)
