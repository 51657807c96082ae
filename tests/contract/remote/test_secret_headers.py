"""A key for a service: read from the environment, never in a message."""

from typing import Any

import pytest

from lib.saga.definition.checks.error import DeclarationError
from lib.saga.definition.context import Retry, StepContext
from lib.saga.remote.http_call import HttpCall
from tests.contract.remote.service import Service

KEY = "s3cret-key"
BEARER = {"Authorization": "Bearer {PAY_KEY}", "X-Api-Version": "v2-{PAY_VERSION}"}


def test_a_service_gets_the_key_that_the_deployment_keeps(
    service: Service, call: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAY_KEY", f"{KEY}\n")  # as in a pasted file
    monkeypatch.setenv("PAY_VERSION", "7")
    HttpCall(f"{service.url}/charge", headers=BEARER)({}, call)
    (asked,) = service.asked
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["X-Api-Version"] == "v2-7"


@pytest.mark.parametrize("value", ["", "  \n", f"{KEY}\r\nX-Evil: 1", "schlüssel"])
def test_a_key_that_is_missing_or_cannot_be_sent_is_retried_and_not_shown(
    service: Service, call: StepContext, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PAY_KEY", value)
    with pytest.raises(Retry, match=r"/charge: the variable PAY_KEY") as refusal:
        HttpCall(f"{service.url}/charge", headers={"X-Api-Key": "{PAY_KEY}"})({}, call)
    assert service.asked == []
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("headers", "advice"),
    [
        ("X-Api-Key: x", "headers is"),
        ({"X Api": "{KEY}"}, "as a name"),
        ({"Idempotency-Key": "{KEY}"}, "which every call sets itself"),
        ({"X-Api-Key": 5}, "write a str"),
        ({"X-Api-Key": KEY}, "has no variable"),
        ({"X-Api-Key": "{KEY"}, "has no variable"),
        ({"X-Api-Key": "{KEY}\n"}, "no header can have"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_at_declaration(headers: Any, advice: str) -> None:
    with pytest.raises(DeclarationError, match=advice):
        HttpCall("https://pay.example/charge", headers=headers)


def test_a_key_is_sent_over_https_only_and_not_beside_a_token() -> None:
    with pytest.raises(DeclarationError, match="only sent over https"):
        HttpCall("http://pay.example/charge", headers={"X-Api-Key": "{KEY}"})
    with pytest.raises(DeclarationError, match="both set Authorization"):
        HttpCall("https://pay.example/", audience="https://pay.example", headers=BEARER)
