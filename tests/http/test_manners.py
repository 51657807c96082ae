"""Answers to browsers, to HEAD and OPTIONS, and to bodies that are not JSON."""

import http.client
import json
import socket
from typing import Any

import pytest

from local.stack import Stack
from tests.http.conftest import JSON, Call, assert_problem

ORDER = {
    "customer_id": "eve",
    "lines": [{"sku": "cd", "quantity": 1, "unit_price_cents": 999}],
    "address": {"name": "Eve", "street": "1 Main St", "city": "Springfield", "country": "US"},
}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "text/json",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "",
        None,
    ],
)
def test_a_body_without_a_json_content_type_places_no_order(
    call: Call, unique: str, kind: str | None
) -> None:
    body = json.dumps({**ORDER, "id": unique}).encode()
    headers = {} if kind is None else {"Content-Type": kind}
    answer = call("POST", "place-order", data=body, headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")
    assert call("GET", "get-order", params={"id": unique}).status_code == 404


def test_the_refusal_of_a_form_says_what_to_add(call: Call) -> None:
    answer = call("POST", "place-order", data={"a": "b"})
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json", "APPLICATION/JSON; charset=UTF-8", "application/merge-patch+json"]
)
def test_any_spelling_of_the_json_content_type_is_accepted(
    call: Call, unique: str, kind: str
) -> None:
    body = json.dumps({"id": unique, "name": "x"}).encode()
    answer = call("POST", "create-task-list", data=body, headers={"Content-Type": kind})
    assert answer.status_code == 201, answer.text


def test_a_compressed_body_is_refused_as_unsupported(call: Call) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = call("POST", "place-order", data=b"\x1f\x8b\x08", headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")


def test_a_verb_without_a_body_needs_no_type(call: Call, unique: str) -> None:
    call("POST", "create-task-list", json={"id": unique, "name": "x"})
    made = call("POST", "create-task", json={"task_list_id": unique, "description": "x"}).json()
    target = {"task_list_id": unique, "id": made["id"]}
    assert call("POST", "soft-delete-task", params=target).status_code == 200


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://rebound.example:{port}", "Host": "{bound}"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_origin_changes_nothing(
    call: Call, stack: Stack, unique: str, headers: dict[str, str]
) -> None:
    call("POST", "create-task-list", json={"id": unique, "name": "x"})
    port = stack.url.rpartition(":")[2]
    own = {"own": stack.url, "port": port, "bound": f"rebound.example:{port}"}
    sent = {name: value.format(**own) for name, value in headers.items()}
    body = {**ORDER, "id": unique}
    assert_problem(call("POST", "place-order", json=body, headers=sent), 403, "forbidden")
    params = {"id": unique}
    answer = call("DELETE", "delete-task-list", params=params, headers=sent)
    assert_problem(answer, 403, "forbidden")
    assert call("GET", "get-task-list", params=params).status_code == 200


@pytest.mark.parametrize(
    "host", ["rebound.example:{port}", "rebound.example", "127.0.0.1.evil.example"]
)
def test_a_page_with_a_rebound_name_reads_nothing(call: Call, stack: Stack, host: str) -> None:
    sent = {"Host": host.format(port=stack.url.rpartition(":")[2])}
    answer = call("GET", "list-sagas", headers=sent)
    assert_problem(answer, 403, "forbidden")
    assert "AMENDS_AUDIENCES" in answer.json()["detail"]
    assert call("OPTIONS", "list-sagas", headers=sent).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "{own}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "{own}"},
    ],
)
def test_own_pages_and_people_may_change_things(
    call: Call, stack: Stack, unique: str, headers: dict[str, str]
) -> None:
    sent = {name: value.format(own=stack.url) for name, value in headers.items()}
    body = {"id": unique, "name": "x"}
    assert call("POST", "create-task-list", json=body, headers=sent).status_code == 201


def test_head_answers_as_get_does_without_the_body(call: Call, unique: str) -> None:
    call("POST", "create-task-list", json={"id": unique, "name": "x"})
    got = call("GET", "get-task-list", params={"id": unique})
    asked = call("HEAD", "get-task-list", params={"id": unique})
    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert asked.headers[name] == got.headers[name]
    assert call("HEAD", "get-task-list", params={"id": "no-such"}).status_code == 404
    refused = call("HEAD", "create-task-list")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, OPTIONS")


def test_options_lists_the_methods_and_allows_no_other_origin(call: Call) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = call("OPTIONS", "place-order", headers=asked)
    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")
    assert call("OPTIONS", "get-order").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_401_says_how_to_authenticate(call_worker: Call) -> None:
    answer = call_worker("POST", "sweep-sagas")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="amends"'


def test_each_problem_has_the_id_of_its_trace(call: Call) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    for name in ("get-order", "no-such-function"):
        answer = call("GET", name, params={"id": "no-such"}, headers=headers)
        assert (answer.status_code, answer.json()["trace"]) == (404, trace)
    assert len(call("GET", "get-order", params={"id": "no-such"}).json()["trace"]) == 32


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("run-saga-step", {"Authorization": "Bearer x"}, 403),
        ("place-order", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("no-such-function", {}, 404),
        ("get-order", {}, 405),
        ("place-order", {"X-Server-Timeout": "never"}, 400),
    ],
)
def test_a_connection_is_usable_after_an_early_refusal_of_a_large_body(
    stack: Stack, name: str, headers: dict[str, str], status: int
) -> None:
    host, port = stack.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", f"/{name}", b"x" * 5_000_000, {**JSON, **headers})
    refused = connection.getresponse()
    assert (refused.status, refused.headers["Connection"]) == (status, "keep-alive")
    refused.read()
    socket_of_first = connection.sock
    connection.request("GET", "/count-sagas")
    assert connection.getresponse().status == 200
    assert connection.sock is socket_of_first
    connection.close()


def test_a_client_that_sends_its_body_only_after_an_answer_is_answered(stack: Stack) -> None:
    host, port = stack.plan.worker_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = "POST /sweep-sagas HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head.encode())
        assert b" 401 " in connection.recv(65536).splitlines()[0]


def say(stack: Stack, raw: bytes) -> tuple[str, dict[str, Any]]:
    host, port = stack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().splitlines()
    assert "content-type: application/problem+json" in lines, answer
    return lines[0], json.loads(body)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: <b>\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"POST /place-order HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: zip\r\n\r\n", 501),
        (b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (
            b"POST /place-order HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\nzz\r\n\r\n",
            400,
        ),
        (
            b"POST /place-order HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            b"Content-Type: application/json\r\nConnection: close\r\n\r\n{",
            400,
        ),
    ],
)
def test_refusals_of_the_server_itself_are_problem_details(
    stack: Stack, raw: bytes, status: int
) -> None:
    line, body = say(stack, raw)
    assert f" {status} " in line
    assert body["status"] == status
    assert body["code"]
    assert "<b>" not in json.dumps(body)
