"""`Prefer: wait=N` on sagas and orders: one call starts, executes and returns the end."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import flask
import pytest
import requests

from domain.orders.faults import Fault
from lib.datastore import Store, connect, key_of
from lib.edge.request.peer import is_gone
from lib.saga.operators.waiters import MAX_WAITERS
from local.stack import Stack
from tests.http.conftest import Call, assert_problem
from tests.http.test_unreadable import make_records

#: Longer than a saga takes here, even on a busy machine.
PATIENT = {"Prefer": "wait=25"}
BRIEF = {"Prefer": "wait=1"}
#: Those that serve callers in the local stack.
PROCESSES = min(2, os.cpu_count() or 1)


@pytest.fixture
def store(stack: Stack) -> Iterator[Store]:
    made = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    yield made
    made.close()


@pytest.fixture
def slow(store: Store, unique: str) -> str:
    """The id of an order whose first step takes 4 seconds."""
    store.insert(Fault(id=f"inventory:{unique}", dawdle_times=1, dawdle_seconds=4.0))
    return unique


def order(call: Call, unique: str, units: int = 1) -> dict[str, Any]:
    """Create stock and credit; return the body of an order."""
    call("PUT", "set-stock", json={"sku": unique, "units": units})
    call("PUT", "set-credit", json={"customer_id": unique, "available_cents": 1000})
    lines = [{"sku": unique, "quantity": 1, "unit_price_cents": 999}]
    address = {"name": "Ann", "street": "1 Main St", "city": "Springfield", "country": "US"}
    return {"customer_id": unique, "lines": lines, "address": address}


def saga(call: Call, unique: str) -> dict[str, Any]:
    return {"name": "order-processing", "id": unique, "payload": order(call, unique)}


def assert_accepted(answer: requests.Response, where: str, applied: str | None) -> None:
    assert answer.status_code == 202, answer.text
    assert urljoin(answer.url, answer.headers["Location"]).endswith(where)
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers.get("Preference-Applied") == applied
    assert answer.headers["Vary"] == "Prefer"


def test_one_call_starts_a_saga_and_returns_what_get_saga_shows(call: Call, unique: str) -> None:
    answer = call("POST", "start-saga", json=saga(call, unique), headers=PATIENT)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Preference-Applied"] == "wait=25"
    assert not {"Location", "Retry-After"} & answer.headers.keys()
    assert answer.json()["status"] == "COMPLETED"
    assert answer.json()["steps"][0]["output"] == {unique: 1}
    shown = call("GET", "get-saga", params={"id": unique})
    assert shown.json() == answer.json()
    assert shown.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize(("units", "status"), [(1, "COMPLETED"), (0, "CANCELLED")])
def test_one_call_places_an_order_and_returns_its_end(
    call: Call, unique: str, units: int, status: str
) -> None:
    body = {"id": unique, **order(call, unique, units)}
    answer = call("POST", "place-order", json=body, headers=PATIENT)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.headers["Preference-Applied"] == "wait=25"
    again = call("POST", "place-order", json=body, headers=PATIENT)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert call("GET", "get-order", params={"id": unique}).json() == answer.json()


def test_without_a_wait_a_start_answers_202_with_a_location(call: Call, unique: str) -> None:
    started = call("POST", "start-saga", json=saga(call, unique))
    assert_accepted(started, f"/get-saga?id={unique}", None)
    assert started.json()["status"] in ("PENDING", "RUNNING")
    at = urljoin(started.url, started.headers["Location"])
    shown = requests.get(at, headers=PATIENT, timeout=30)
    assert (shown.status_code, shown.json()["status"]) == (200, "COMPLETED")
    plain = requests.get(at, timeout=30)
    assert (plain.status_code, plain.headers["Vary"]) == (200, "Prefer")
    again = call("POST", "start-saga", json=saga(call, unique))
    assert_accepted(again, f"/get-saga?id={unique}", None)


def test_a_saga_that_does_not_end_in_time_is_202_with_its_current_state(
    call: Call, slow: str
) -> None:
    body = {"id": slow, **order(call, slow)}
    began = time.monotonic()
    placed = call("POST", "place-order", json=body, headers=BRIEF)
    assert 1 <= time.monotonic() - began < 3.5
    assert_accepted(placed, f"/get-order?id={slow}", "wait=1")
    assert placed.json()["status"] == "PROCESSING"
    for name in ("get-order", "get-saga"):
        answer = call("GET", name, params={"id": slow}, headers={"Prefer": "wait=0"})
        assert_accepted(answer, f"/{name}?id={slow}", "wait=0")
        plain = call("GET", name, params={"id": slow})
        assert plain.status_code == 200
        assert "Preference-Applied" not in plain.headers
    head = call("HEAD", "get-saga", params={"id": slow}, headers={"Prefer": "wait=0"})
    assert_accepted(head, f"/get-saga?id={slow}", "wait=0")
    assert head.content == b""
    shown = call("GET", "get-order", params={"id": slow}, headers=PATIENT)
    assert (shown.status_code, shown.json()["status"]) == (200, "COMPLETED")
    ended = call("GET", "get-saga", params={"id": slow}, headers={"Prefer": "wait=0"})
    assert (ended.status_code, ended.headers["Preference-Applied"]) == (200, "wait=0")


def test_a_wait_is_limited_to_the_time_budget_and_the_answer_states_it(
    call: Call, slow: str
) -> None:
    body = {"id": slow, **order(call, slow)}
    headers = {"Prefer": "wait=1000000000", "X-Server-Timeout": "2"}
    began = time.monotonic()
    assert_accepted(
        call("POST", "place-order", json=body, headers=headers), f"/get-order?id={slow}", "wait=1"
    )
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "header", ["wait", "wait=soon, wait=9", "wait=-1", 'wait="9', "respond-async"]
)
def test_a_preference_that_cannot_be_read_is_ignored(call: Call, slow: str, header: str) -> None:
    body = {"id": slow, **order(call, slow)}
    began = time.monotonic()
    answer = call("POST", "place-order", json=body, headers={"Prefer": header})
    assert_accepted(answer, f"/get-order?id={slow}", None)
    assert time.monotonic() - began < 3.5
    assert call("GET", "get-order", params={"id": slow}, headers={"Prefer": header}).ok


def test_a_wait_in_a_second_header_line_is_read(call: Call, stack: Stack, slow: str) -> None:
    call("POST", "place-order", json={"id": slow, **order(call, slow)})
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=30)
    connection.putrequest("GET", f"/get-order?id={slow}")
    connection.putheader("Prefer", 'x="a,b";c')
    connection.putheader("prefer", "Wait = 0")
    connection.endheaders()
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.getheader("Preference-Applied")) == (202, "wait=0")


def test_a_parked_saga_is_an_end_for_its_caller(call: Call, store: Store, unique: str) -> None:
    records = make_records(unique, unique)
    for record in records:
        store.insert(record)
    answer = call("GET", "get-saga", params={"id": unique}, headers=PATIENT)
    store.delete_multi(map(key_of, records))
    assert (answer.status_code, answer.json()["status"]) == (200, "FAILED")
    assert answer.elapsed.total_seconds() < 5


@pytest.mark.parametrize("name", ["get-saga", "get-order"])
def test_a_wait_for_an_unknown_saga_ends_at_once(call: Call, unique: str, name: str) -> None:
    answer = call("GET", name, params={"id": unique}, headers=PATIENT)
    assert_problem(answer, 404, "not-found", "id")
    assert answer.elapsed.total_seconds() < 5


def test_a_refused_start_is_answered_at_once(call: Call, unique: str) -> None:
    answer = call("POST", "start-saga", json={"name": unique, "payload": {}}, headers=PATIENT)
    assert_problem(answer, 404, "not-found", "name")


def test_waiters_leave_threads_for_others(call: Call, stack: Stack, slow: str) -> None:
    call("POST", "place-order", json={"id": slow, **order(call, slow)})
    answers: list[requests.Response] = []

    def wait() -> None:
        url = f"{stack.url}/get-order?id={slow}"
        answers.append(requests.get(url, headers={"Prefer": "wait=2"}, timeout=30))

    threads = [threading.Thread(target=wait) for _ in range(PROCESSES * MAX_WAITERS + 4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert call("GET", "get-stock", params={"sku": slow}).elapsed.total_seconds() < 1.5
    for thread in threads:
        thread.join()
    applied = [answer.headers.get("Preference-Applied") for answer in answers]
    # The limit is one of each process, and the system shares the requests out as it likes.
    assert MAX_WAITERS <= applied.count("wait=2") <= PROCESSES * MAX_WAITERS
    assert {answer.status_code for answer in answers} == {202}
    assert applied.index(None) == 0, "those who do not wait are answered first"


def test_a_caller_that_closes_its_connection_is_gone() -> None:
    ours, theirs = socket.socketpair()
    environ = {"gunicorn.socket": ours}
    with flask.Flask("x").test_request_context(environ_overrides=environ) as context:
        assert not is_gone(context.request)
        theirs.send(json.dumps({"next": "request"}).encode())
        assert not is_gone(context.request)
        ours.recv(100)
        theirs.close()
        assert is_gone(context.request)
        ours.close()
        assert is_gone(context.request)


def test_without_a_visible_connection_the_caller_counts_as_present() -> None:
    with flask.Flask("x").test_request_context() as context:
        assert not is_gone(context.request)


def test_an_operators_slow_verb_is_202_with_a_location(call: Call, slow: str) -> None:
    call("POST", "place-order", json={"id": slow, **order(call, slow)})
    answer = call("POST", "cancel-saga", json={"id": slow, "reason": "x"})
    assert answer.status_code == 202, answer.text
    at = urljoin(answer.url, answer.headers["Location"])
    assert answer.headers["Retry-After"] == "1"
    assert requests.get(at, headers=PATIENT, timeout=30).json()["status"] == "ROLLED_BACK"
