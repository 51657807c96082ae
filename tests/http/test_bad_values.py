"""Values that JSON can carry and Datastore cannot hold: refused with the field, never stored."""

from typing import Any

import pytest

from tests.http.conftest import JSON, Call, assert_problem


@pytest.fixture
def task_list(call: Call, unique: str) -> str:
    call("POST", "create-task-list", json={"id": unique, "name": "Home"})
    return unique


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"description": "\N{SNOWMAN}" * 501}, "description"),
        ({"description": "x" * 1501}, "description"),
        ({"description": "x", "priority": 10**30}, "priority"),
        ({"description": "x", "priority": 1.5}, "priority"),
        ({"description": "x", "due_at": "0000-01-01T00:00:00Z"}, "due_at"),
        ({"description": "x", "due_at": "tomorrow"}, "due_at"),
    ],
)
def test_a_value_that_datastore_cannot_hold_is_422_and_named(
    call: Call, task_list: str, content: dict[str, Any], field: str
) -> None:
    answer = call("POST", "create-task", json={"task_list_id": task_list, **content})
    assert_problem(answer, 422, "invalid", field)
    assert call("GET", "list-tasks", params={"task_list_id": task_list}).json()["items"] == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('"priority": NaN', ""),
        ('"priority": Infinity', ""),
        ('"due_at": "\\ud800"', "due_at"),
        ('"description": "y"', "description"),
    ],
)
def test_what_is_not_json_is_400(call: Call, task_list: str, text: str, field: str) -> None:
    body = f'{{"task_list_id": "{task_list}", "description": "x", {text}}}'
    answer = call("POST", "create-task", data=body.encode(), headers=JSON)
    assert_problem(answer, 400, "malformed", field)
    assert call("GET", "list-tasks", params={"task_list_id": task_list}).json()["items"] == []


def test_a_priority_with_an_exponent_beyond_any_number_is_refused(
    call: Call, task_list: str
) -> None:
    body = f'{{"task_list_id": "{task_list}", "description": "x", "priority": 1e400}}'
    answer = call("POST", "create-task", data=body.encode(), headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["", "__x__", "a" * 201, "\N{SNOWMAN}", "a b", ".."])
def test_an_invalid_name_is_422(call: Call, name: str) -> None:
    answer = call("POST", "create-task-list", json={"id": name, "name": "x"})
    assert_problem(answer, 422, "invalid", "id")


def test_a_saga_payload_nested_too_deeply_or_too_large_is_refused(call: Call, unique: str) -> None:
    large = {"id": unique, "name": "order-processing", "payload": {"x": "y" * 600_000}}
    answer = call("POST", "start-saga", json=large)
    assert answer.status_code in (413, 422), answer.text
    deep = '{"id": "%s", "name": "order-processing", "payload": %s}' % (  # noqa: UP031
        unique,
        "[" * 5000 + "]" * 5000,
    )
    answer = call("POST", "start-saga", data=deep.encode(), headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert call("GET", "get-saga", params={"id": unique}).status_code == 404


@pytest.mark.parametrize(
    ("method", "name", "body", "field"),
    [
        ("POST", "create-task-list", {"id": "{}", "name": "x"}, "id"),
        ("PUT", "upsert-task-list", {"id": "{}", "name": "x"}, "id"),
        ("PUT", "set-stock", {"sku": "{}", "units": 1}, "sku"),
        ("PUT", "set-credit", {"customer_id": "{}", "available_cents": 1}, "customer_id"),
        ("POST", "start-saga", {"id": "{}", "name": "order-processing", "payload": {}}, "id"),
        ("POST", "pause-saga", {"id": "{}", "reason": "x"}, "id"),
        ("POST", "signal-saga", {"id": "{}", "signal": "x"}, "id"),
    ],
)
def test_an_id_with_a_trailing_newline_is_422(
    call: Call, unique: str, method: str, name: str, body: dict[str, Any], field: str
) -> None:
    pasted = {key: f"{unique}\n" if value == "{}" else value for key, value in body.items()}
    assert_problem(call(method, name, json=pasted), 422, "invalid", field)


@pytest.mark.parametrize(
    ("name", "field"),
    [("get-task-list", "id"), ("get-saga", "id"), ("get-order", "id"), ("get-stock", "sku")],
)
def test_an_id_with_a_trailing_newline_in_a_query_is_422(
    call: Call, unique: str, name: str, field: str
) -> None:
    assert_problem(call("GET", name, params={field: f"{unique}\n"}), 422, "invalid", field)


@pytest.mark.parametrize("text", ["1e3", "1.0", "1E0", "10e-1", "01", "+1", " 1", "1_0", "\u0661"])
def test_an_id_in_another_form_than_its_digits_is_422(call: Call, unique: str, text: str) -> None:
    params = {"task_list_id": unique, "id": text}
    assert_problem(call("GET", "get-task", params=params), 422, "invalid", "id")
    params = {"task_list_id": unique, "page_size": text}
    assert_problem(call("GET", "list-tasks", params=params), 422, "invalid", "page_size")
