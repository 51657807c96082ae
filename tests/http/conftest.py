from collections.abc import Callable
from uuid import uuid4

import pytest
import requests

from local.stack import Stack

Call = Callable[..., requests.Response]


JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="session")
def call(stack: Stack) -> Call:
    """Call one of the callers' functions."""
    return _calls_of(stack.url)


@pytest.fixture(scope="session")
def call_worker(stack: Stack) -> Call:
    """Call a function of Cloud Tasks or Cloud Scheduler."""
    return _calls_of(stack.plan.worker_url)


def _calls_of(url: str) -> Call:
    session = requests.Session()

    def send(method: str, name: str, **options: object) -> requests.Response:
        return session.request(method, f"{url}/{name}", timeout=30, **options)  # type: ignore[arg-type]

    return send


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"t{uuid4().hex[:12]}"


def assert_problem(answer: requests.Response, status: int, code: str, field: str = "") -> None:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body.get("field", "") == field, body
    assert "Traceback" not in answer.text
