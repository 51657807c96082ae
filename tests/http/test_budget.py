"""The time budget of a request: past it, 504 and nothing half done."""

import pytest

from tests.http.conftest import Call, assert_problem


def test_a_budget_that_is_used_up_is_504_and_nothing_is_written(call: Call, unique: str) -> None:
    body = {"id": unique, "name": "Home"}
    late = call("POST", "create-task-list", json=body, headers={"X-Server-Timeout": "0.000001"})
    assert_problem(late, 504, "deadline-exceeded")
    assert call("GET", "get-task-list", params={"id": unique}).status_code == 404


@pytest.mark.parametrize("header", ["0", "-1", "soon", "nan", "inf", ""])
def test_an_invalid_budget_is_refused(call: Call, unique: str, header: str) -> None:
    body = {"id": unique, "name": "Home"}
    answer = call("POST", "create-task-list", json=body, headers={"X-Server-Timeout": header})
    assert_problem(answer, 400, "malformed", "X-Server-Timeout")
    assert call("GET", "get-task-list", params={"id": unique}).status_code == 404


def test_a_caller_cannot_exceed_the_functions_own_budget(call: Call, unique: str) -> None:
    body = {"id": unique, "name": "Home"}
    answer = call("POST", "create-task-list", json=body, headers={"X-Server-Timeout": "1e300"})
    assert answer.status_code == 201
