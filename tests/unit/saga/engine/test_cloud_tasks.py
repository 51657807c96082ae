"""Which queue a saga's tasks go to, and what keeps them from it."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from lib.errors import Unavailable
from lib.saga.engine.cloud_tasks import CloudTasksQueue, choose_queue, make_client
from lib.timing.deadline import within
from tests.unit.saga.engine.test_verdict import DELIVERY

QUEUES = ["q", "q-2", "q-3", "q-4"]


def test_a_saga_always_has_the_same_queue() -> None:
    assert {choose_queue(QUEUES, "order-1") for _ in range(10)} == {choose_queue(QUEUES, "order-1")}


def test_sagas_are_spread_evenly_however_their_ids_rise() -> None:
    counts = Counter(choose_queue(QUEUES, f"order-{number}") for number in range(4000))
    assert set(counts) == set(QUEUES)
    assert all(800 < count < 1200 for count in counts.values()), counts


def test_one_queue_takes_every_saga() -> None:
    assert choose_queue(["q"], "order-1") == "q"


class FailingClient:
    """Cloud Tasks, which always answers with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def create_task(self, **_: Any) -> None:
        raise self.error


def make_queue(client: Any) -> CloudTasksQueue:
    return CloudTasksQueue(client, queues=["q"], url=lambda: "u", audience="a", service_account="s")


# Neither library has types.
google_errors: Any = exceptions
auth_errors: Any = auth_exceptions

AWAY: list[Exception] = [
    google_errors.RetryError("too late", cause=None),
    google_errors.ServiceUnavailable("away"),
    google_errors.NotFound("no such queue"),
    google_errors.PermissionDenied("no"),
    google_errors.InvalidArgument("what is that"),
    auth_errors.TransportError("no metadata server"),
    auth_errors.RefreshError("no token"),
    auth_errors.DefaultCredentialsError("nobody"),
    grpc.RpcError("raw"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_whatever_cloud_tasks_fails_by_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable, match=f"took no delivery: {type(error).__name__}"):
        make_queue(FailingClient(error)).enqueue(DELIVERY)


def test_a_task_that_exists_is_enqueued() -> None:
    make_queue(FailingClient(google_errors.AlreadyExists("it is there"))).enqueue(DELIVERY)


def test_an_enqueue_takes_no_longer_than_its_request_has() -> None:
    queue = make_queue(make_client("127.0.0.1:9"))  # nobody listens there
    began = time.monotonic()
    with within(timedelta(seconds=0.4)):
        with pytest.raises(Unavailable, match="took no delivery: RetryError"):
            queue.enqueue(DELIVERY)
        time.sleep(0.4)
        with pytest.raises(Unavailable, match="no time to enqueue"):
            queue.enqueue(DELIVERY)
    assert time.monotonic() - began < 3
