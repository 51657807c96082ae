"""Which dispatches count as attempts: those that ended without an answer, or with a 5xx."""

import json
from typing import Any
from unittest.mock import Mock

import flask
import pytest

from functions.sagas.worker import _count_lost
from lib.edge.caller.identity import Verifier
from lib.edge.endpoint import Edge
from lib.errors import Unavailable


@pytest.mark.parametrize(
    ("retries", "answered", "lost"),
    [
        ("0", "0", 0), ("1", "0", 1), ("1", "1", 0), ("3", "1", 2), (None, None, 0),
        ("1", "2", 0), ("-1", "0", 0), ("x", "y", 0), ("\u0661", "0", 1), ("9" * 30, "0", 0),
    ],
)  # fmt: skip
def test_a_dispatch_answered_without_a_5xx_was_not_lost(
    retries: str | None, answered: str | None, lost: int
) -> None:
    named = {"X-CloudTasks-TaskRetryCount": retries, "X-CloudTasks-TaskExecutionCount": answered}
    headers = {name: value for name, value in named.items() if value is not None}
    with flask.Flask("x").test_request_context(headers=headers):
        assert _count_lost(flask.request) == lost


@pytest.mark.parametrize("problem", [KeyError("AMENDS_QUEUES"), Unavailable("no certificates")])
@pytest.mark.parametrize("place", ["verifier", "engine"])
def test_a_delivery_that_fails_at_the_edge_leaves_its_step_certain(
    place: str, problem: Exception
) -> None:
    def fail() -> Any:
        raise problem

    made = {"verifier": lambda: Mock(spec=Verifier), "engine": object} | {place: fail}
    worker = Edge(made["verifier"], engine=made["engine"]).endpoint("POST", invoker="tasks")(work)
    with flask.Flask("x").test_request_context(method="POST"):
        answer = worker(flask.request)
    assert (answer.status_code, json.loads(answer.get_data())["code"]) == (429, "not-begun")


def work(engine: Any) -> None:
    """Take the place of run-saga-step, which is never called."""
    raise AssertionError(engine)
