"""Callers' mistakes: problem+json with the right status, and nothing is written."""

import pytest
import requests

from local.stack import Stack
from tests.http.conftest import JSON, Call, assert_problem

GOOD_ORDER = {
    "customer_id": "ann",
    "lines": [{"sku": "cd", "quantity": 1, "unit_price_cents": 999}],
    "address": {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"},
}


def test_a_wrong_method_is_405_and_says_which_is_right(call: Call) -> None:
    answer = call("GET", "create-task-list")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": "a" "b"}'])
def test_broken_json_is_400(call: Call, body: bytes) -> None:
    assert_problem(call("POST", "create-task-list", data=body, headers=JSON), 400, "malformed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "a", "name": "x", "color": "red"}, "color"),
        ({"id": "a"}, "name"),
        ({"id": "a", "name": 5}, "name"),
        ({"id": "a", "name": None}, "name"),
        ({"id": "a", "name": ""}, "name"),
        ({"id": "a", "name": "x" * 201}, "name"),
        ({"id": "", "name": "x"}, "id"),
        ({"id": "a" * 201, "name": "x"}, "id"),
        ({"id": "__a__", "name": "x"}, "id"),
        ({"id": "a/b", "name": "x"}, "id"),
    ],
)
def test_a_field_that_does_not_fit_is_422_and_named(
    call: Call, body: dict[str, object], field: str
) -> None:
    assert_problem(call("POST", "create-task-list", json=body), 422, "invalid", field)
    assert call("GET", "get-task-list", params={"id": "a"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "cd", "quantity": 0, "unit_price_cents": 1}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "cd", "quantity": 1}]}, "lines[0].unit_price_cents"),
        ({"address": {**GOOD_ORDER["address"], "country": "usa"}}, "address.country"),  # type: ignore[dict-item]
        ({"customer_id": 7}, "customer_id"),
        ({"total": 1}, "total"),
    ],
)
def test_a_nested_field_that_does_not_fit_is_named_by_its_path(
    call: Call, change: dict[str, object], field: str
) -> None:
    answer = call("POST", "place-order", json={**GOOD_ORDER, **change})
    assert_problem(answer, 422, "invalid", field)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "task_list_id"),
        ({"task_list_id": "a", "id": "x"}, "id"),
        ({"task_list_id": "a", "id": "0"}, "id"),
        ({"task_list_id": "a", "id": str(2**63)}, "id"),
        ({"task_list_id": "a", "id": "1", "verbose": "1"}, "verbose"),
        ({"task_list_id": "a", "id": ["1", "2"]}, "id"),
    ],
)
def test_a_query_parameter_that_does_not_fit_is_422_and_named(
    call: Call, params: dict[str, object], field: str
) -> None:
    assert_problem(call("GET", "get-task", params=params), 422, "invalid", field)


@pytest.mark.parametrize("size", ["0", "-1", "201", "ten"])
def test_a_page_size_out_of_range_is_422(call: Call, size: str) -> None:
    answer = call("GET", "list-task-lists", params={"page_size": size})
    assert_problem(answer, 422, "invalid", "page_size")


@pytest.mark.parametrize("token", ["x", "AAAA", "%00", "é"])
def test_a_broken_page_token_is_400(call: Call, token: str) -> None:
    answer = call("GET", "list-task-lists", params={"page_token": token})
    assert_problem(answer, 400, "malformed", "page_token")


def test_a_page_token_of_another_query_is_400(call: Call, unique: str) -> None:
    for number in range(2):
        call("POST", "create-task-list", json={"id": f"{unique}-{number}", "name": "x"})
    token = call("GET", "list-task-lists", params={"page_size": 1}).json()["next_page_token"]
    answer = call("GET", "list-sagas", params={"page_token": token})
    assert_problem(answer, 400, "malformed", "page_token")


def test_a_body_over_one_mebibyte_is_413(call: Call) -> None:
    answer = call("POST", "create-task-list", data=b" " * (1024 * 1024 + 1))
    assert_problem(answer, 413, "too-large")


def test_a_chunked_body_over_one_mebibyte_is_413(call: Call) -> None:
    chunks = (b" " * 65536 for _ in range(17))
    assert_problem(call("POST", "create-task-list", data=chunks), 413, "too-large")


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("get-task-list", {"id": "no-such"}),
        ("get-task", {"task_list_id": "no-such", "id": 1}),
        ("list-tasks", {"task_list_id": "no-such"}),
        ("get-saga", {"id": "no-such"}),
        ("get-order", {"id": "no-such"}),
        ("get-stock", {"sku": "no-such"}),
        ("get-credit", {"customer_id": "no-such"}),
        ("no-such-function", {}),
    ],
)
def test_an_unknown_resource_is_404(call: Call, name: str, params: dict[str, object]) -> None:
    assert_problem(call("GET", name, params=params), 404, "not-found", _id_field(name))


def _id_field(name: str) -> str:
    return "id" if name in ("get-saga", "get-order") else ""


@pytest.mark.parametrize("name", ["run-saga-step", "sweep-sagas"])
@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer "])
def test_a_worker_call_without_a_valid_token_is_401(
    call_worker: Call, name: str, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    forged = {"X-CloudTasks-TaskName": "t", "X-CloudTasks-QueueName": "sagas", **headers}
    assert_problem(call_worker("POST", name, json={}, headers=forged), 401, "unauthenticated")


def test_an_error_does_not_echo_markup(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/<script>alert(1)</script>", timeout=10)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_truncated_or_altered_page_token_is_400_in_every_list(call: Call, unique: str) -> None:
    body = {"task_list_id": unique, "description": "sweep"}
    for number in range(2):
        call("POST", "create-task-list", json={"id": f"{unique}-{number}", "name": "x"})
    call("POST", "create-task-list", json={"id": unique, "name": "x"})
    for _ in range(2):
        call("POST", "create-task", json=body)
    lists: dict[str, dict[str, object]] = {
        "list-task-lists": {},
        "list-tasks": {"task_list_id": unique},
        "list-task-summaries": {"task_list_id": unique},
        "query-tasks": {},
    }
    for name, params in lists.items():
        page = call("GET", name, params={**params, "page_size": 1}).json()
        token = page["next_page_token"]
        for cut in (token[:17], token[:16], token[:-1], token[1:], token + "A", token[:-4]):
            answer = call("GET", name, params={**params, "page_size": 1, "page_token": cut})
            assert_problem(answer, 400, "malformed", "page_token")


def test_all_faults_of_a_body_are_reported_at_once(call: Call) -> None:
    line = {"sku": "c d", "quantity": 0, "unit_price_cents": 1}
    order = {"lines": [line], "address": GOOD_ORDER["address"], "total": 1}
    answer = call("POST", "place-order", json=order)
    assert_problem(answer, 422, "invalid", "total")
    pointers = [each["pointer"] for each in answer.json()["errors"]]
    assert pointers == ["#/total", "#/customer_id", "#/lines/0/sku", "#/lines/0/quantity"]


def test_all_wrong_parameters_are_reported_with_allowed_values(call: Call) -> None:
    answer = call("GET", "list-sagas", params={"status": "BROKEN", "page_size": 0, "x": 1})
    errors = {each["field"]: each for each in answer.json()["errors"]}
    assert set(errors) == {"status", "page_size", "x"}
    assert "ROLLED_BACK" in errors["status"]["allowed"]
