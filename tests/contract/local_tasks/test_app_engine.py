"""App Engine tasks: checked, stored and delivered as recorded from the service."""

from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions

from local.http.messages import Answer
from local.http.retry import read_policy
from local.tasks.dispatch.delivery import judge
from local.tasks.storage.records import TaskRecord
from local.tasks.v2.messages import Task
from tests.contract.local_tasks.conftest import StartServer
from tests.contract.local_tasks.test_dispatch import QUICK
from tests.support.worker import LOCATION, QUEUE, Worker, connect

AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"


@pytest.fixture
def app_client(start_server: StartServer, worker: Worker) -> Any:
    """A client of a server whose App Engine app is the worker."""
    server = start_server(QUICK, app_engine=worker.url.removesuffix("/run"))
    return connect(server.address)


def make_app_task(**request: Any) -> dict[str, Any]:
    return {"app_engine_http_request": {"relative_uri": "/work?a=1", **request}}


def test_a_task_reaches_the_app_with_headers_about_its_attempts(
    app_client: Any, worker: Worker
) -> None:
    worker.script = lambda delivered: ((503, 404, 200)[len(worker.deliveries) - 1], {})
    task = {"name": f"{QUEUE}/tasks/delivered", **make_app_task(body=b"{}")}
    app_client.create_task(parent=QUEUE, task=task)
    attempts = worker.wait_for(3)
    assert {(each.method, each.path, each.body) for each in attempts} == {
        ("POST", "/work?a=1", b"{}")
    }
    names = ("RetryCount", "ExecutionCount", "PreviousResponse", "RetryReason")
    assert [
        tuple(each.headers[f"X-AppEngine-Task{name}"] for name in names) for each in attempts
    ] == [
        ("0", "0", None, None),
        ("1", "1", "503", "App Error"),
        ("2", "2", "404", "App Error"),
    ]
    assert attempts[0].headers["X-AppEngine-QueueName"] == "sagas"
    assert attempts[0].headers["X-AppEngine-TaskName"] == "delivered"
    assert attempts[0].headers["User-Agent"] == AGENT
    assert attempts[0].headers.get_all("Content-Length") == ["2"]


def test_its_headers_and_host_are_kept_with_it(app_client: Any) -> None:
    app_client.pause_queue(name=QUEUE)
    routing = {"service": "mail", "version": "v2"}
    headers = {"X-Mixed-Case": "yes", "Host": "forged", "X-AppEngine-QueueName": "forged"}
    task = make_app_task(body=b"{}", headers=headers, app_engine_routing=routing)
    created = app_client.create_task(parent=QUEUE, task=task).app_engine_http_request
    assert dict(created.headers) == {
        "X-Mixed-Case": "yes",
        "User-Agent": AGENT,
        "Content-Length": "2",
        "Content-Type": "application/octet-stream",
    }
    assert created.app_engine_routing.host == "v2.mail.amends-local.appspot.com"
    assert created.body == b""


def test_its_own_content_type_and_user_agent_are_kept(app_client: Any) -> None:
    app_client.pause_queue(name=QUEUE)
    task = make_app_task(body=b"{}", headers={"content-type": "a/b", "user-agent": "mine"})
    created = app_client.create_task(parent=QUEUE, task=task).app_engine_http_request
    assert dict(created.headers) == {
        "User-Agent": f"mine {AGENT}",
        "Content-Length": "2",
        "content-type": "a/b",
    }


def test_its_deadline_may_be_a_day_and_is_not_filled_in(app_client: Any) -> None:
    app_client.pause_queue(name=QUEUE)
    plain = app_client.create_task(parent=QUEUE, task=make_app_task())
    assert not plain.dispatch_deadline
    long = {**make_app_task(), "dispatch_deadline": timedelta(hours=24, seconds=15)}
    assert app_client.create_task(parent=QUEUE, task=long).dispatch_deadline.days == 1


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"relative_uri": "work"}, "must begin with"),
        ({"relative_uri": "/a b"}, "valid relative URI"),
        ({"relative_uri": "/" + "x" * 2083}, "2083"),
        ({"http_method": "PATCH", "body": b"x"}, "only allowed with POST and PUT"),
        ({"http_method": 99}, "http_method is unknown"),
        ({"headers": {"a b": "c"}}, "invalid name"),
        ({"headers": {"User-Agent": "a\r\nb: c"}}, "invalid value"),
    ],
)
def test_what_cloud_tasks_refuses_is_refused(
    app_client: Any, request_: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        app_client.create_task(parent=QUEUE, task=make_app_task(**request_))


def test_a_deadline_of_more_than_a_day_is_refused(app_client: Any) -> None:
    long = {**make_app_task(), "dispatch_deadline": timedelta(hours=24, seconds=16)}
    with pytest.raises(exceptions.InvalidArgument, match=r"\[15s, 24h15s\]"):
        app_client.create_task(parent=QUEUE, task=long)


def test_a_queue_shows_the_host_of_its_routing(app_client: Any) -> None:
    queue = {"name": f"{LOCATION}/queues/routed", "app_engine_routing_override": {"service": "s"}}
    created = app_client.create_queue(parent=LOCATION, queue=queue)
    assert created.app_engine_routing_override.host == "s.amends-local.appspot.com"


def test_without_an_app_the_server_says_how_to_name_one(shared_client: Any) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="--app-engine"):
        shared_client.create_task(parent=QUEUE, task=make_app_task())


@pytest.mark.parametrize(("status", "slows"), [(503, True), (429, False)])
def test_only_a_503_of_an_app_slows_the_queue(status: int, slows: bool) -> None:
    task = Task(app_engine_http_request={"relative_uri": "/"})
    record = TaskRecord("q/tasks/t", "q", b"", 0.0, 0.0, dispatches=1)
    policy = read_policy(Task(retry_config={"max_attempts": 5}).retry_config)
    verdict = judge(record, task, policy, Answer(status), now=1.0, retry_from=1.0)
    assert verdict.slows_queue == slows
