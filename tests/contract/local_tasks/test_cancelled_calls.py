"""A caller that dies during a call: what is stored is also dispatched."""

from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2

from tests.contract.local_tasks.conftest import StartServer
from tests.support.wait import wait_until
from tests.support.worker import QUEUE, Worker, connect

TASKS = 300
ROUNDS = 50


def test_a_task_whose_creator_died_in_the_call_is_never_stored_without_being_dispatched(
    start_server: StartServer, worker: Worker
) -> None:
    address = start_server().address
    create = grpc.insecure_channel(address).unary_unary(
        "/google.cloud.tasks.v2.CloudTasks/CreateTask",
        request_serializer=tasks_v2.CreateTaskRequest.serialize,
        response_deserializer=tasks_v2.Task.deserialize,
    )
    client: Any = connect(address)
    for first in range(0, TASKS * ROUNDS, TASKS):
        requests = [_make_request(number, worker.url) for number in range(first, first + TASKS)]
        calls: list[Any] = [create.future(request) for request in requests]
        calls[0].exception()
        unanswered = [
            request for request, call in zip(requests, calls, strict=True) if not call.done()
        ]
        for call in calls:
            call.cancel()
        wait_until(lambda: not list(client.list_tasks(parent=QUEUE)))
        stored = [request for request in unanswered if _was_created(client, request)]
        worker.wait_for(first + TASKS)
        assert len({delivery.task for delivery in worker.deliveries}) == first + TASKS
        if stored:
            return
    raise AssertionError("no call got as far as the server: the test shows nothing")


def _make_request(number: int, url: str) -> Any:
    task = {"name": f"{QUEUE}/tasks/t{number}", "http_request": {"url": url}}
    return tasks_v2.CreateTaskRequest(parent=QUEUE, task=task)


def _was_created(client: Any, request: Any) -> bool:
    """Create the task again, like a client without an answer; return whether it existed."""
    try:
        client.create_task(request)
    except AlreadyExists:
        return True
    return False
