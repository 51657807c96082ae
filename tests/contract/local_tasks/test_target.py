from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf import json_format

from local.tasks.resources.target import apply_target
from local.tasks.v2.messages import HttpRequest, load_message
from tests.contract.local_tasks.test_tasks import is_gone, make_task
from tests.support.wait import wait_until
from tests.support.worker import LOCATION, QUEUE, Worker

OTHER = f"{LOCATION}/queues/other"
OWN = "http://127.0.0.1:81/own?a=1"


def apply(target: dict[str, Any], url: str = OWN) -> Any:
    message = json_format.ParseDict(target, load_message("HttpTarget")())
    return apply_target(HttpRequest(url=url, http_method=1, body=b"{}"), message)


@pytest.mark.parametrize(
    ("override", "url"),
    [
        ({"host": "localhost"}, "http://localhost:81/own?a=1"),
        ({"port": "82"}, "http://127.0.0.1:82/own?a=1"),
        ({"port": "0"}, "http://127.0.0.1/own?a=1"),
        ({"pathOverride": {"path": "/other"}}, "http://127.0.0.1:81/other?a=1"),
        ({"queryOverride": {"queryParams": "b=2"}}, "http://127.0.0.1:81/own?b=2"),
        ({"queryOverride": {}}, "http://127.0.0.1:81/own"),
        ({"host": "localhost", "uriOverrideEnforceMode": "IF_NOT_EXISTS"}, OWN),
    ],
)
def test_a_queue_overrides_parts_of_the_url(override: dict[str, Any], url: str) -> None:
    assert apply({"uriOverride": override}).url == url


def test_if_not_exists_only_fills_in_what_is_missing() -> None:
    override = {
        "port": "82",
        "pathOverride": {"path": "/default"},
        "queryOverride": {"queryParams": "b=2"},
        "uriOverrideEnforceMode": "IF_NOT_EXISTS",
    }
    assert apply({"uriOverride": override}).url == OWN
    filled = apply({"uriOverride": override}, url="http://127.0.0.1").url
    assert filled == "http://127.0.0.1:82/default?b=2"


def test_a_queue_with_method_get_removes_the_body() -> None:
    changed = apply({"httpMethod": "GET"})
    assert (changed.http_method, changed.body) == (2, b"")
    assert apply({}).body == b"{}"


def test_tasks_go_to_the_target_of_their_queue_with_its_headers(
    client: Any, worker: Worker
) -> None:
    target = {
        "uri_override": {"path_override": {"path": "/elsewhere"}},
        "header_overrides": [
            {"header": {"key": "X-Queue", "value": "yes"}},
            {"header": {"key": "X-CloudTasks-TaskName", "value": "forged"}},
        ],
    }
    client.update_queue(queue={"name": QUEUE, "http_target": target})
    mine = {"headers": {"x-queue": "no"}}
    task = make_task(worker.url, name=f"{QUEUE}/tasks/own", http_request=mine)
    client.create_task(parent=QUEUE, task=task)
    (delivery,) = worker.wait_for(1)
    assert (delivery.path, delivery.task) == ("/elsewhere", "own")
    assert delivery.headers.get_all("X-Queue") == ["yes"]


def test_a_url_that_its_queue_makes_too_long_fails_like_any_attempt(client: Any) -> None:
    long = {"path_override": {"path": "/" + "x" * 2000}}
    retry = {"max_attempts": 2, "min_backoff": {"nanos": 10_000_000}}
    settings = {"name": QUEUE, "http_target": {"uri_override": long}, "retry_config": retry}
    client.update_queue(queue=settings)
    task = make_task(f"{OWN}{'y' * 100}")
    name = client.create_task(parent=QUEUE, task=task).name
    wait_until(lambda: is_gone(client, name))


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ({"uri_override": {"host": "example.com"}}, "this machine"),
        ({"uri_override": {"host": ""}}, "empty"),
        ({"uri_override": {"scheme": "HTTPS"}}, "TLS"),
        ({"uri_override": {"port": 65536}}, "65535"),
        ({"oidc_token": {"service_account_email": "a@b"}}, "audience"),
        ({"http_method": -1}, "http_method"),
        ({"header_overrides": [{"header": {"key": "a", "value": "b\r\nc: d"}}]}, "invalid value"),
        ({"header_overrides": [{"header": {"value": "b"}}]}, "invalid name"),
    ],
)
def test_a_target_that_is_not_acceptable_is_refused(
    shared_client: Any, target: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        shared_client.create_queue(parent=LOCATION, queue={"name": OTHER, "http_target": target})
