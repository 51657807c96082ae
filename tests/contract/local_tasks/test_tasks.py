"""What a client may do to tasks, and what is refused."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from local.rpc.errors import InvalidArgument
from local.tasks.embedded import serve
from local.tasks.resources.task_checks import complete_task
from local.tasks.v2.messages import Task
from tests.contract.local_tasks.conftest import StartServer
from tests.support.wait import wait_until
from tests.support.worker import LOCATION, QUEUE, Worker, connect

SOMEWHERE = "http://127.0.0.1:9/nobody"


def make_task(url: str = SOMEWHERE, **fields: Any) -> dict[str, Any]:
    request = {"url": url, "body": b"{}", **fields.pop("http_request", {})}
    return {"http_request": request, **fields}


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def is_gone(client: Any, name: str) -> bool:
    try:
        client.get_task(name=name)
    except exceptions.NotFound:
        return True
    return False


def test_a_task_is_delivered_once_with_its_body_and_then_gone(client: Any, worker: Worker) -> None:
    created = client.create_task(parent=QUEUE, task=make_task(worker.url))
    (delivery,) = worker.wait_for(1)
    assert (delivery.method, delivery.path, delivery.body) == ("POST", "/run", b"{}")
    wait_until(lambda: is_gone(client, created.name))
    with pytest.raises(exceptions.NotFound, match="successfully completed or was deleted"):
        client.get_task(name=created.name)
    assert len(worker.deliveries) == 1


def test_the_headers_tell_of_the_attempt_and_callers_cannot_set_them(
    client: Any, worker: Worker
) -> None:
    headers = {"X-CloudTasks-TaskName": "forged", "User-Agent": "forged", "X-Kept": "yes"}
    task = make_task(worker.url, name=f"{QUEUE}/tasks/delivered", http_request={"headers": headers})
    client.create_task(parent=QUEUE, task=task)
    sent = worker.wait_for(1)[0].headers
    assert sent["X-CloudTasks-QueueName"] == "sagas"
    assert sent["X-CloudTasks-TaskName"] == "delivered"
    assert sent["X-CloudTasks-TaskRetryCount"] == "0"
    assert sent["X-CloudTasks-TaskExecutionCount"] == "0"
    assert abs(float(sent["X-CloudTasks-TaskETA"]) - time.time()) < 60
    assert sent["User-Agent"] == "Google-Cloud-Tasks"
    assert sent["X-Kept"] == "yes"
    assert "X-CloudTasks-TaskPreviousResponse" not in sent


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_every_http_method_is_delivered(client: Any, worker: Worker, method: str) -> None:
    task = make_task(f"{worker.url}?q=1", http_request={"http_method": method, "body": b""})
    created = client.create_task(parent=QUEUE, task=task)
    (delivery,) = worker.wait_for(1)
    assert (delivery.method, delivery.path) == (method, "/run?q=1")
    wait_until(lambda: is_gone(client, created.name))


def test_a_used_name_is_refused_while_the_task_waits_and_after_it_has_run(
    client: Any, worker: Worker
) -> None:
    task = make_task(worker.url, name=f"{QUEUE}/tasks/once", schedule_time=in_an_hour())
    client.create_task(parent=QUEUE, task=task)
    with pytest.raises(exceptions.AlreadyExists, match="entity already exists"):
        client.create_task(parent=QUEUE, task=task)
    client.run_task(name=task["name"])
    worker.wait_for(1)
    wait_until(lambda: is_gone(client, task["name"]))
    with pytest.raises(exceptions.AlreadyExists, match="too recently"):
        client.create_task(parent=QUEUE, task=task)


def test_a_used_name_is_free_again_after_its_window(
    start_server: StartServer, worker: Worker
) -> None:
    client = connect(start_server(tombstone=timedelta(milliseconds=50)).address)
    task = make_task(worker.url, name=f"{QUEUE}/tasks/again")
    client.create_task(parent=QUEUE, task=task)
    worker.wait_for(1)
    wait_until(lambda: is_gone(client, task["name"]))
    time.sleep(0.06)
    client.create_task(parent=QUEUE, task=task)
    worker.wait_for(2)


def test_a_deleted_task_is_not_delivered_and_its_name_stays_in_use(
    client: Any, worker: Worker
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    task = make_task(worker.url, name=f"{QUEUE}/tasks/deleted", schedule_time=soon)
    client.create_task(parent=QUEUE, task=task)
    client.delete_task(name=task["name"])
    with pytest.raises(exceptions.NotFound, match="no longer exists"):
        client.delete_task(name=task["name"])
    with pytest.raises(exceptions.AlreadyExists, match="existed too recently"):
        client.create_task(parent=QUEUE, task=task)
    client.create_task(parent=QUEUE, task=make_task(f"{worker.url}-2", schedule_time=soon))
    assert worker.wait_for(1)[0].path == "/run-2"


def test_a_schedule_time_in_the_past_is_now(client: Any, worker: Worker) -> None:
    client.pause_queue(name=QUEUE)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    created = client.create_task(parent=QUEUE, task=make_task(worker.url, schedule_time=yesterday))
    assert timedelta(0) <= created.schedule_time - created.create_time < timedelta(minutes=1)


def test_a_deadline_is_kept_to_the_millisecond(shared_client: Any) -> None:
    later = make_task(
        schedule_time=in_an_hour(), dispatch_deadline=timedelta(microseconds=15123456)
    )
    created = shared_client.create_task(parent=QUEUE, task=later)
    shared_client.delete_task(name=created.name)
    assert created.dispatch_deadline == timedelta(milliseconds=15123)


def test_characters_that_a_url_cannot_have_are_escaped(client: Any, worker: Worker) -> None:
    task = make_task(f"{worker.url}/ż a?b=c d&e=%20#f")
    created = client.create_task(parent=QUEUE, task=task)
    assert created.http_request.url == f"{worker.url}/%C5%BC%20a?b=c%20d&e=%20#f"
    assert worker.wait_for(1)[0].path == "/run/%C5%BC%20a?b=c%20d&e=%20"


def test_a_task_that_is_run_while_it_runs_is_counted_twice(client: Any, worker: Worker) -> None:
    go_on = threading.Event()
    worker.script = lambda delivered: (500 if go_on.wait(30) and delivered.retry_count else 503, {})
    name = client.create_task(parent=QUEUE, task=make_task(worker.url)).name
    worker.wait_for(1)
    client.pause_queue(name=QUEUE)
    begun = client.run_task(name=name)
    assert begun.dispatch_count == 2
    assert begun.last_attempt.dispatch_time
    assert not begun.last_attempt.response_time
    worker.wait_for(2)
    go_on.set()
    wait_until(lambda: client.get_task(name=name).response_count == 2)
    assert client.get_task(name=name).dispatch_count == 2


def test_a_scheduled_task_waits_for_its_time(client: Any, worker: Worker) -> None:
    due = time.time() + 0.4
    when = datetime.fromtimestamp(due, UTC)
    client.create_task(parent=QUEUE, task=make_task(worker.url, schedule_time=when))
    (delivery,) = worker.wait_for(1)
    assert delivery.at >= due
    assert float(delivery.headers["X-CloudTasks-TaskETA"]) == pytest.approx(due, abs=1e-5)


def test_used_names_waiting_tasks_and_queue_states_outlive_the_server(
    tmp_path: Path, worker: Worker
) -> None:
    first = serve(tmp_path)
    client = connect(first.address)
    client.create_queue(parent=LOCATION, queue={"name": QUEUE})
    done = make_task(worker.url, name=f"{QUEUE}/tasks/done")
    client.create_task(parent=QUEUE, task=done)
    worker.wait_for(1)
    wait_until(lambda: is_gone(client, done["name"]))
    client.pause_queue(name=QUEUE)
    client.create_task(parent=QUEUE, task=make_task(worker.url, name=f"{QUEUE}/tasks/waiting"))
    first.stop()
    second = serve(tmp_path)
    client = connect(second.address)
    with pytest.raises(exceptions.AlreadyExists, match="existed too recently"):
        client.create_task(parent=QUEUE, task=done)
    assert client.get_queue(name=QUEUE).state.name == "PAUSED"
    client.resume_queue(name=QUEUE)
    assert [delivery.task for delivery in worker.wait_for(2)] == ["done", "waiting"]
    second.stop()


def test_tasks_are_listed_by_page_without_bodies_unless_asked_for(client: Any) -> None:
    for number in range(5):
        task = make_task(name=f"{QUEUE}/tasks/t{number}", schedule_time=in_an_hour())
        client.create_task(parent=QUEUE, task=task)
    pages = client.list_tasks(request={"parent": QUEUE, "page_size": 2}).pages
    names = [[task.name[-2:] for task in page.tasks] for page in pages]
    assert names == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    basic = client.get_task(name=f"{QUEUE}/tasks/t0")
    full = client.get_task(request={"name": f"{QUEUE}/tasks/t0", "response_view": "FULL"})
    assert (basic.http_request.body, full.http_request.body) == (b"", b"{}")


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ({"name": "a"}, "Task name must be formatted"),
        ({"name": f"{QUEUE}/tasks/{'x' * 501}"}, "Task ID must between 1 and 500"),
        ({"name": f"{QUEUE}/tasks/a.b"}, 'Task ID "a.b" can contain only letters'),
        ({"http_request": {"url": ""}}, "HttpRequest.url is required"),
        ({"name": f"{LOCATION}/queues/other/tasks/a"}, "must be the same as the queue name"),
        ({"http_request": {"url": "ftp://127.0.0.1/x"}}, "must start with"),
        ({"http_request": {"url": "http://example.com/x"}}, "this machine"),
        ({"http_request": {"url": "https://127.0.0.1/x"}}, "this machine"),
        ({"http_request": {"url": "http://127.0.0.1:99999/x"}}, "this machine"),
        ({"http_request": {"url": "http://127.0.0.1 /x"}}, "this machine"),
        ({"http_request": {"url": "http://127.0.0.1/" + "x" * 2083}}, "2083"),
        ({"http_request": {"url": SOMEWHERE, "http_method": "GET"}}, "only allowed with"),
        ({"http_request": {"url": SOMEWHERE, "headers": {"a\r\nb": "c"}}}, "invalid name"),
        ({"http_request": {"url": SOMEWHERE, "headers": {"a": "b\r\nc: d"}}}, "invalid value"),
        ({"http_request": {"url": SOMEWHERE, "http_method": -1}}, "http_method"),
        ({"http_request": {"url": SOMEWHERE, "headers": {"a": "b" * 80 * 1024}}}, "80 KB"),
        ({"http_request": {"url": SOMEWHERE, "oidc_token": {}}}, "e-mail"),
        ({"http_request": {"url": SOMEWHERE, "body": b"x" * 1024 * 1024}}, "too large"),
        (
            {"schedule_time": datetime.now(UTC) + timedelta(days=31)},
            "no more than 720h in the future",
        ),
        ({"dispatch_deadline": timedelta(seconds=14)}, r"\[15s, 30m\]"),
        ({"dispatch_deadline": timedelta(minutes=31)}, r"\[15s, 30m\]"),
        ({"retry_config": {"max_attempts": -2}}, "maxAttempts"),
    ],
)
def test_what_cloud_tasks_refuses_is_refused_with_the_reason(
    shared_client: Any, task: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        shared_client.create_task(parent=QUEUE, task={**make_task(), **_with_body(task)})
    assert not list(shared_client.list_tasks(parent=QUEUE))


def test_the_largest_task_is_seven_bytes_under_a_mebibyte() -> None:
    def complete(size: int) -> int:
        task = Task(name=f"{QUEUE}/tasks/large", schedule_time=in_an_hour().replace(microsecond=0))
        task.http_request.url, task.http_request.body = SOMEWHERE, b"x" * size
        return int(complete_task(task, QUEUE).ByteSize())

    most = 1024 * 1024 - 7
    body = 1_000_000 + most - complete(1_000_000)
    assert complete(body) == most
    with pytest.raises(InvalidArgument, match="Task size too large"):
        complete(body + 1)


def _with_body(task: dict[str, Any]) -> dict[str, Any]:
    if "http_request" in task:
        task = {**task, "http_request": {"body": b"{}", **task["http_request"]}}
    return task


def test_unknown_queues_and_tasks_are_not_found(shared_client: Any) -> None:
    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        shared_client.create_task(parent=f"{LOCATION}/queues/unknown", task=make_task())
    with pytest.raises(exceptions.NotFound, match="Requested entity was not found"):
        shared_client.get_task(name=f"{QUEUE}/tasks/unknown")
    with pytest.raises(exceptions.NotFound, match="Requested entity was not found"):
        shared_client.run_task(name=f"{QUEUE}/tasks/unknown")


def test_an_unsupported_method_says_so(shared_client: Any) -> None:
    oauth = {"url": SOMEWHERE, "oauth_token": {"service_account_email": "a@b"}}
    with pytest.raises(exceptions.MethodNotImplemented, match="OAuth"):
        shared_client.create_task(parent=QUEUE, task={"http_request": oauth})
