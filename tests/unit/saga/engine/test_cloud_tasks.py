"""Which queue a saga's tasks are sent to, and which errors occur."""

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import msgspec
import pytest
from google.cloud import tasks_v2

from lib.errors import Unavailable
from lib.rpc.status import code_of
from lib.saga.engine.cloud_tasks import (
    MAX_CALL,
    TRANSIENT_CODES,
    CloudTasksQueue,
    choose_queue,
    connect,
)
from lib.timing.deadline import within
from tests.unit.saga.engine.test_verdict import DELIVERY

QUEUES = ["q", "q-2", "q-3", "q-4"]


def test_a_saga_always_has_the_same_queue() -> None:
    assert {choose_queue(QUEUES, "order-1") for _ in range(10)} == {choose_queue(QUEUES, "order-1")}


def test_sagas_are_spread_evenly_even_with_sequential_ids() -> None:
    counts = Counter(choose_queue(QUEUES, f"order-{number}") for number in range(4000))
    assert set(counts) == set(QUEUES)
    assert all(800 < count < 1200 for count in counts.values()), counts


def test_one_queue_takes_every_saga() -> None:
    assert choose_queue(["q"], "order-1") == "q"


class Failure(grpc.RpcError):
    """A failed call, as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


class FailingClient:
    """Cloud Tasks, which always answers with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def invoke(self, *_: Any) -> None:
        self.calls += 1
        raise self.error


def make_queue(client: Any) -> CloudTasksQueue:
    return CloudTasksQueue(client, queues=["q"], url=lambda: "u", audience="a", service_account="s")


AWAY: list[Exception] = [
    Failure(grpc.StatusCode.NOT_FOUND, "no such queue"),
    Failure(grpc.StatusCode.PERMISSION_DENIED, "no"),
    Failure(grpc.StatusCode.INVALID_ARGUMENT, "what is that"),
    Failure(grpc.StatusCode.UNAUTHENTICATED, "no token"),
    grpc.RpcError("raw"),
]


@pytest.mark.parametrize("error", AWAY, ids=str)
def test_any_failure_of_cloud_tasks_is_unavailable(error: Exception) -> None:
    why = code_of(error) or "RpcError"
    with pytest.raises(Unavailable, match=f"took no delivery: {why}"):
        make_queue(FailingClient(error)).enqueue(DELIVERY)


def test_a_task_that_exists_counts_as_enqueued() -> None:
    taken = Failure(grpc.StatusCode.ALREADY_EXISTS, "it is there")
    make_queue(FailingClient(taken)).enqueue(DELIVERY)


@pytest.mark.parametrize("code", sorted(TRANSIENT_CODES))
def test_transient_errors_are_retried_for_as_long_as_the_request_has(code: str) -> None:
    client = FailingClient(Failure(grpc.StatusCode[code], "later"))
    refused = pytest.raises(Unavailable, match=f"took no delivery: {code}")
    with refused, within(timedelta(seconds=0.3)):
        make_queue(client).enqueue(DELIVERY)
    assert client.calls > 1


def test_googles_own_library_reads_the_request() -> None:
    sent: list[Any] = []

    class Client:
        def invoke(self, method: str, request: Any, timeout: float, metadata: Any) -> None:
            sent.append((method, request.SerializeToString(), timeout, metadata))

    delivery = replace(DELIVERY, timeout=timedelta(seconds=60), traceparent="00-a-b-01")
    make_queue(Client()).enqueue(delivery)
    [(method, raw, timeout, metadata)] = sent
    request = tasks_v2.CreateTaskRequest.deserialize(raw)
    task = request.task
    assert (method, request.parent, timeout) == ("CreateTask", "q", MAX_CALL.total_seconds())
    assert metadata == (("x-goog-request-params", "parent=q"),)
    assert task.name == f"q/tasks/{delivery.task_name}"
    assert task.schedule_time == delivery.at
    assert task.dispatch_deadline == timedelta(seconds=70)
    assert task.http_request == tasks_v2.HttpRequest(
        url="u",
        http_method=tasks_v2.HttpMethod.POST,
        headers={"Content-Type": "application/json", "traceparent": "00-a-b-01"},
        body=msgspec.json.encode(delivery),
        oidc_token=tasks_v2.OidcToken(service_account_email="s", audience="a"),
    )


def test_an_enqueue_ends_with_its_requests_budget() -> None:
    queue = make_queue(connect("127.0.0.1:9"))  # nobody listens there
    began = time.monotonic()
    with within(timedelta(seconds=0.4)):
        with pytest.raises(Unavailable, match="took no delivery: UNAVAILABLE"):
            queue.enqueue(DELIVERY)
        time.sleep(0.4)
        with pytest.raises(Unavailable, match="no time to enqueue"):
            queue.enqueue(DELIVERY)
    assert time.monotonic() - began < 3
