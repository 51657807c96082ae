"""Cloud Tasks over HTTP: Google's client by its REST transport, and plain JSON."""

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from local.tasks.embedded import EmbeddedServer
from tests.contract.local_tasks.conftest import StartServer
from tests.contract.local_tasks.test_tasks import in_an_hour, make_task
from tests.support.worker import LOCATION, QUEUE, Worker


@pytest.fixture
def server(start_server: StartServer) -> EmbeddedServer:
    return start_server()


@pytest.fixture
def client(server: EmbeddedServer) -> Any:
    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
    transport = CloudTasksRestTransport(
        host=server.address, credentials=anonymous, url_scheme="http"
    )
    return tasks_v2.CloudTasksClient(transport=transport)


def test_a_task_is_created_seen_and_dispatched(client: Any, worker: Worker) -> None:
    made = client.create_task(parent=QUEUE, task=make_task(worker.url))
    [delivery] = worker.wait_for(1)
    assert made.name.endswith(delivery.task)
    assert delivery.body == b"{}"


def test_tasks_are_listed_by_pages_with_their_bodies_if_asked_for(client: Any) -> None:
    for number in range(3):
        name = f"{QUEUE}/tasks/t{number}"
        client.create_task(parent=QUEUE, task=make_task(name=name, schedule_time=in_an_hour()))
    full = tasks_v2.Task.View.FULL
    request = {"parent": QUEUE, "page_size": 2, "response_view": full}
    listed = list(client.list_tasks(request=request))
    assert [task.name.rpartition("/")[2] for task in listed] == ["t0", "t1", "t2"]
    assert {task.http_request.body for task in listed} == {b"{}"}
    client.delete_task(name=listed[0].name)
    with pytest.raises(exceptions.NotFound, match="no longer exists"):
        client.get_task(name=listed[0].name)
    with pytest.raises(exceptions.Conflict, match="already exists"):
        client.create_task(parent=QUEUE, task=make_task(name=listed[1].name))


def test_a_queue_is_made_changed_by_a_mask_paused_and_deleted(client: Any) -> None:
    name = f"{LOCATION}/queues/rest"
    client.create_queue(parent=LOCATION, queue={"name": name})
    changed = {
        "name": name,
        "retry_config": {"max_attempts": 7, "min_backoff": Duration(seconds=9)},
    }
    mask = FieldMask(paths=["retry_config.max_attempts"])
    updated = client.update_queue(queue=changed, update_mask=mask)
    assert updated.retry_config.max_attempts == 7
    assert updated.retry_config.min_backoff.total_seconds() != 9
    assert client.pause_queue(name=name).state == tasks_v2.Queue.State.PAUSED
    assert client.resume_queue(name=name).state == tasks_v2.Queue.State.RUNNING
    client.purge_queue(name=name)
    assert name in [queue.name for queue in client.list_queues(parent=LOCATION)]
    client.delete_queue(name=name)
    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        client.get_queue(name=name)


def test_a_task_is_run_by_hand(client: Any, worker: Worker) -> None:
    made = client.create_task(parent=QUEUE, task=make_task(worker.url, schedule_time=in_an_hour()))
    client.run_task(name=made.name)
    worker.wait_for(1)


def test_plain_json_is_accepted(server: EmbeddedServer, worker: Worker) -> None:
    task = {"httpRequest": {"url": worker.url, "httpMethod": "PUT", "body": "aGk="}}
    url = f"http://{server.address}/v2/{QUEUE}/tasks"
    with urllib.request.urlopen(url, json.dumps({"task": task}).encode()) as answer:
        made = json.load(answer)
    [delivery] = worker.wait_for(1)
    assert delivery.body == b"hi"
    assert made["httpRequest"]["httpMethod"] == "PUT"
    with urllib.request.urlopen(f"{url}?pageSize=1&responseView=BASIC") as answer:
        assert set(json.load(answer)) <= {"tasks", "nextPageToken"}


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        (f"{QUEUE}/tasks?pageSize=no", 400, "Invalid JSON payload"),
        (f"{QUEUE}/tasks?colour=red", 400, 'Cannot bind query parameter. Field "colour"'),
        (f"{QUEUE}/nothing", 404, "Method not found: GET /v2/"),
        (f"{LOCATION}/queues/none", 404, "Queue does not exist"),
    ],
)
def test_an_error_has_googles_body(
    server: EmbeddedServer, path: str, code: int, words: str
) -> None:
    with pytest.raises(HTTPError, match=str(code)) as refused:
        urllib.request.urlopen(f"http://{server.address}/v2/{path}")
    error = json.load(refused.value)["error"]
    assert error["code"] == code
    assert words in error["message"]
