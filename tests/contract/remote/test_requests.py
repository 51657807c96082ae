"""What a service gets, and what cannot be declared."""

from dataclasses import replace

import msgspec
import pytest

from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.phase import Phase
from lib.saga.remote.http_call import HttpCall
from tests.contract.remote.service import Service, outcome

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_call_has_the_documented_headers_and_body(service: Service, call: StepContext) -> None:
    outcome(service, replace(call, traceparent=TRACE))
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("POST", "/charge")
    assert msgspec.json.decode(asked.body) == {
        "saga_id": "s1",
        "step": "charge",
        "phase": "execute",
        "step_key": "s1/charge",
        "payload": {"amount": 1},
        "output": None,
    }
    headers = asked.headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "s1/charge"
    assert headers["X-Fencing-Token"] == "7"
    assert headers["traceparent"] == TRACE
    assert 0 < float(headers["X-Server-Timeout"]) <= 60
    assert "Authorization" not in headers


def test_every_attempt_has_the_same_key_and_body(service: Service, call: StepContext) -> None:
    outcome(service, call)
    outcome(service, replace(call, attempt=3, fencing_token=9))
    first, second = service.asked
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


def test_a_compensation_has_its_own_key_and_names_that_of_its_step(
    service: Service, call: StepContext
) -> None:
    undo = replace(call, phase=Phase.COMPENSATE, output={"charge_id": "c1"})
    outcome(service, undo)
    (asked,) = service.asked
    assert asked.headers["Idempotency-Key"] == "s1/charge;compensate"
    body = msgspec.json.decode(asked.body)
    assert (body["phase"], body["step_key"]) == ("compensate", "s1/charge")
    assert body["output"] == {"charge_id": "c1"}


@pytest.mark.parametrize("name", ["charge;compensate", "a\r\nX-Evil: 1", "größe", "a b", "x" * 400])
def test_no_name_of_a_step_breaks_a_header_or_equals_another_key(
    service: Service, call: StepContext, name: str
) -> None:
    hostile = replace(call, idempotency_key=f"s1/{name}")
    outcome(service, hostile)
    outcome(service, replace(hostile, phase=Phase.COMPENSATE))
    outcome(service, replace(call, phase=Phase.COMPENSATE))
    keys = [asked.headers["Idempotency-Key"] for asked in service.asked]
    assert len(set(keys)) == 3
    assert all(key.isascii() and key.isprintable() and len(key) <= 255 for key in keys)
    assert not any("X-Evil" in asked.headers for asked in service.asked)


def test_a_payload_cannot_put_anything_into_a_header(service: Service, call: StepContext) -> None:
    HttpCall(f"{service.url}/charge")("x\r\nX-Evil: 1\r\n\r\n", call)
    outcome(service, replace(call, traceparent=f"{TRACE}\r\nX-Evil: 1"))
    assert len(service.asked) == 2
    assert not any("X-Evil" in asked.headers for asked in service.asked)


def test_the_author_may_shape_the_body(service: Service, call: StepContext) -> None:
    charge = HttpCall(f"{service.url}/charge", body=lambda order, call: [order["cents"], call.step])
    charge({"cents": 5}, call)
    assert service.asked[0].body == b'[5,"charge"]'


def test_a_body_that_is_not_json_is_not_sent(service: Service, call: StepContext) -> None:
    with pytest.raises(Permanent, match="not JSON"):
        HttpCall(f"{service.url}/charge", body=lambda *_: object())({}, call)
    assert service.asked == []


def test_a_question_has_no_body(service: Service, call: StepContext) -> None:
    service.says(200, '{"charge_id": "c1"}')
    ask = HttpCall(f"{service.url}/charge-status", method="GET")
    assert ask({"amount": 1}, replace(call, phase=Phase.STATUS)) == {"charge_id": "c1"}
    (asked,) = service.asked
    assert (asked.method, asked.body) == ("GET", b"")
    assert asked.headers["Idempotency-Key"] == "s1/charge"
    assert "Content-Type" not in asked.headers


@pytest.mark.parametrize(
    "url",
    [
        "",
        "payments.example/charge",
        "ftp://h/x",
        "https:///x",
        "https://u:p@h/x",
        "https://h:99999/",
    ],
)
def test_a_url_that_cannot_be_called_is_refused_when_it_is_declared(url: str) -> None:
    with pytest.raises(ValueError, match="write an http or https URL"):
        HttpCall(url)


def test_an_unsupported_method_is_refused_at_declaration() -> None:
    with pytest.raises(ValueError, match="TRACE"):
        HttpCall("https://h/x", method="TRACE")
    with pytest.raises(ValueError, match="no body"):
        HttpCall("https://h/x", method="GET", body=lambda *_: 1)
