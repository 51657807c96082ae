"""Which dispatches count as attempts: those that ended without an answer, or with a 5xx."""

import flask
import pytest

from functions.saga_work import _count_lost


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
