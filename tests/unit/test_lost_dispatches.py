"""Which dispatches count as attempts: those that ended without an answer, or with a 5xx."""

import json
from typing import Any

import flask
import pytest

from functions.saga_work import _count_lost, run_saga_step
from lib.edge import endpoint
from lib.errors import Unavailable


@pytest.mark.parametrize(
    ("retries", "answered", "lost"),
    [
        ("0", "0", 0), ("1", "0", 1), ("1", "1", 0), ("3", "1", 2), (None, None, 0),
        ("1", "2", 0), ("-1", "0", 0), ("x", "y", 0), ("\u0661", "0", 1), ("9" * 30, "0", 0),
    ],
)  # fmt: skip
def test_a_dispatch_that_was_answered_with_no_5xx_was_not_lost(
    retries: str | None, answered: str | None, lost: int
) -> None:
    named = {"X-CloudTasks-TaskRetryCount": retries, "X-CloudTasks-TaskExecutionCount": answered}
    headers = {name: value for name, value in named.items() if value is not None}
    with flask.Flask("x").test_request_context(headers=headers):
        assert _count_lost(flask.request) == lost


@pytest.mark.parametrize("problem", [KeyError("AMENDS_QUEUES"), Unavailable("no certificates")])
@pytest.mark.parametrize("place", ["check_invoker", "compile_binding"])
def test_a_delivery_that_fails_at_the_edge_casts_no_doubt_on_its_step(
    monkeypatch: pytest.MonkeyPatch, place: str, problem: Exception
) -> None:
    def fail(*_: Any) -> Any:
        raise problem

    monkeypatch.setattr(endpoint, "check_invoker", lambda *_: None)
    monkeypatch.setattr(endpoint, place, (lambda _: fail) if place == "compile_binding" else fail)
    worker = endpoint.endpoint("POST", invoker="tasks")(vars(run_saga_step)["__wrapped__"])
    with flask.Flask("x").test_request_context(method="POST"):
        answer = worker(flask.request)
    assert (answer.status_code, json.loads(answer.get_data())["code"]) == (429, "not-begun")
