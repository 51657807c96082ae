"""How tasks are delivered: retries, rates, concurrency, tokens, faults."""

import json
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from local.scheduler.job import Job
from local.tasks.dispatch.faults import Faults
from tests.contract.local_tasks.conftest import StartServer
from tests.contract.local_tasks.test_tasks import is_gone, make_task
from tests.support.wait import wait_until
from tests.support.worker import QUEUE, Delivery, Worker, connect

QUICK = {"retryConfig": {"minBackoff": "0.05s", "maxBackoff": "0.1s"}}


def fail_first(times: int, status: int = 500) -> Any:
    return lambda delivery: (200 if delivery.retry_count >= times else status, {})


def test_a_failed_task_is_retried_with_headers_about_its_previous_attempt(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda d: ((500, 404, 200)[d.retry_count], {})
    client = connect(start_server(QUICK).address)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    reported = [
        tuple(
            delivery.headers[f"X-CloudTasks-Task{name}"]
            for name in ("RetryCount", "ExecutionCount", "PreviousResponse", "RetryReason")
        )
        for delivery in worker.wait_for(3)
    ]
    assert reported == [
        ("0", "0", None, None),
        ("1", "0", "500", ""),
        ("2", "1", "404", ""),
    ]


def test_a_failing_task_shows_its_attempts_and_waits_for_its_backoff(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (503, {})
    slow = {"retryConfig": {"minBackoff": "60s", "maxBackoff": "60s"}}
    client = connect(start_server(slow).address)
    name = client.create_task(parent=QUEUE, task=make_task(worker.url)).name
    wait_until(lambda: client.get_task(name=name).response_count == 1)
    task = client.get_task(name=name)
    assert task.dispatch_count == 1
    assert task.last_attempt.response_status.code == 14
    assert "503" in task.last_attempt.response_status.message
    waits = task.schedule_time - task.last_attempt.response_time
    assert timedelta(seconds=59) < waits < timedelta(seconds=61)
    assert task.first_attempt.dispatch_time == task.last_attempt.dispatch_time


def test_a_task_out_of_attempts_is_gone_and_its_name_stays_in_use(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (500, {})
    client = connect(
        start_server({"retryConfig": {**QUICK["retryConfig"], "maxAttempts": 3}}).address
    )
    task = make_task(worker.url, name=f"{QUEUE}/tasks/hopeless")
    client.create_task(parent=QUEUE, task=task)
    worker.wait_for(3)
    wait_until(lambda: is_gone(client, task["name"]))
    with pytest.raises(exceptions.AlreadyExists, match="existed too recently"):
        client.create_task(parent=QUEUE, task=task)
    assert len(worker.deliveries) == 3


def test_a_tasks_own_retry_settings_override_its_queues(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (500, {})
    client = connect(start_server(QUICK).address)
    own = {"max_attempts": 2, "min_backoff": timedelta(milliseconds=20)}
    name = client.create_task(parent=QUEUE, task=make_task(worker.url, retry_config=own)).name
    worker.wait_for(2)
    wait_until(lambda: is_gone(client, name))
    assert len(worker.deliveries) == 2


def test_retry_after_is_waited_for(start_server: StartServer, worker: Worker) -> None:
    worker.script = lambda d: (200, {}) if d.retry_count else (503, {"Retry-After": "1"})
    client = connect(start_server(QUICK).address)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    first, second = worker.wait_for(2)
    assert second.at - first.at >= 1


def test_a_task_for_an_unreachable_worker_is_retried(
    start_server: StartServer, worker: Worker
) -> None:
    client = connect(start_server(QUICK).address)
    worker.close()
    name = client.create_task(parent=QUEUE, task=make_task(worker.url)).name
    wait_until(lambda: client.get_task(name=name).dispatch_count >= 2)
    status = client.get_task(name=name).last_attempt.response_status
    assert status.code == 14
    assert "ConnectionRefused" in status.message


def test_no_more_tasks_run_concurrently_than_the_queue_allows(
    start_server: StartServer, worker: Worker
) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_: Delivery) -> tuple[int, dict[str, str]]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.03)
        with lock:
            running -= 1
        return 200, {}

    worker.script = work
    client = connect(start_server({"rateLimits": {"maxConcurrentDispatches": 3}}).address)
    for _ in range(12):
        client.create_task(parent=QUEUE, task=make_task(worker.url))
    worker.wait_for(12)
    assert most == 3


def test_a_queue_keeps_to_its_rate_after_its_burst(
    start_server: StartServer, worker: Worker
) -> None:
    client = connect(start_server({"rateLimits": {"maxDispatchesPerSecond": 5}}).address)
    client.pause_queue(name=QUEUE)
    for _ in range(9):
        client.create_task(parent=QUEUE, task=make_task(worker.url))
    client.resume_queue(name=QUEUE)
    times = [delivery.at for delivery in worker.wait_for(9)]
    assert times[8] - times[0] >= 0.7


def test_run_task_ignores_schedule_and_pause(client: Any, worker: Worker) -> None:
    client.pause_queue(name=QUEUE)
    later = datetime.now(UTC) + timedelta(hours=1)
    name = client.create_task(parent=QUEUE, task=make_task(worker.url, schedule_time=later)).name
    client.run_task(name=name)
    worker.wait_for(1)
    wait_until(lambda: is_gone(client, name))


def test_a_task_deleted_while_it_runs_is_not_retried(
    start_server: StartServer, worker: Worker
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work(delivery: Delivery) -> tuple[int, dict[str, str]]:
        if delivery.task == "deleted":
            entered.set()
            leave.wait(5)
        return (500 if delivery.task == "deleted" else 200), {}

    worker.script = work
    client = connect(start_server(QUICK).address)
    task = make_task(worker.url, name=f"{QUEUE}/tasks/deleted")
    client.create_task(parent=QUEUE, task=task)
    entered.wait(5)
    client.delete_task(name=task["name"])
    leave.set()
    time.sleep(0.2)
    assert [delivery.task for delivery in worker.deliveries] == ["deleted"]


def test_the_token_verifies_with_the_code_that_verifies_googles(
    start_server: StartServer, worker: Worker
) -> None:
    server = start_server()
    oidc = {"service_account_email": "tasks@p.iam.gserviceaccount.com", "audience": "https://me"}
    task = make_task(worker.url, http_request={"oidc_token": oidc})
    connect(server.address).create_task(parent=QUEUE, task=task)
    scheme, token = worker.wait_for(1)[0].headers["Authorization"].split()
    claims = id_token.verify_token(token, Request(), "https://me", certs_url=server.certs_url)
    assert scheme == "Bearer"
    assert claims["iss"] == "https://accounts.google.com"
    assert claims["email"] == "tasks@p.iam.gserviceaccount.com"
    assert claims["email_verified"] is True
    assert claims["exp"] - claims["iat"] == 3600


def test_the_audience_is_the_url_unless_it_is_given(
    start_server: StartServer, worker: Worker
) -> None:
    server = start_server()
    task = make_task(worker.url, http_request={"oidc_token": {"service_account_email": "a@b"}})
    connect(server.address).create_task(parent=QUEUE, task=task)
    token = worker.wait_for(1)[0].headers["Authorization"].split()[1]
    assert id_token.verify_token(token, Request(), worker.url, certs_url=server.certs_url)


def test_the_signing_key_outlives_the_server(start_server: StartServer) -> None:
    def read_certificates() -> Any:
        server = start_server()
        with urllib.request.urlopen(server.certs_url) as answer:
            certificates = json.load(answer)
        server.stop()
        return certificates

    assert read_certificates() == read_certificates()


def test_duplicates_are_delivered_twice_as_the_same_attempt(
    start_server: StartServer, worker: Worker
) -> None:
    client = connect(start_server(faults=Faults(duplicate=1.0, seed=7)).address)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    first, second = worker.wait_for(2)
    assert first.task == second.task
    assert (first.retry_count, second.retry_count) == (0, 0)


def test_a_dropped_task_is_lost_without_a_delivery(
    start_server: StartServer, worker: Worker
) -> None:
    client = connect(start_server(faults=Faults(drop=1.0)).address)
    name = client.create_task(parent=QUEUE, task=make_task(worker.url)).name
    wait_until(lambda: is_gone(client, name))
    assert worker.deliveries == []


def test_reordered_tasks_are_overtaken_and_not_lost(
    start_server: StartServer, worker: Worker
) -> None:
    settings = {"rateLimits": {"maxConcurrentDispatches": 1}}
    faults = Faults(reorder=0.3, seed=2)
    client = connect(start_server(settings, faults=faults).address)
    client.pause_queue(name=QUEUE)
    names = [f"t{number:02}" for number in range(20)]
    for name in names:
        client.create_task(parent=QUEUE, task=make_task(worker.url, name=f"{QUEUE}/tasks/{name}"))
    client.resume_queue(name=QUEUE)
    delivered = [delivery.task for delivery in worker.wait_for(20)]
    assert sorted(delivered) == names
    assert delivered != names


def test_a_job_calls_its_url_with_a_token_and_never_overlaps_itself(
    start_server: StartServer, worker: Worker
) -> None:
    running, overlapped = threading.Lock(), threading.Event()

    def work(_: Delivery) -> tuple[int, dict[str, str]]:
        if not running.acquire(blocking=False):
            overlapped.set()
            return 500, {}
        time.sleep(1.3)
        running.release()
        return 200, {}

    worker.script = work
    job = Job(
        name="sweep",
        schedule="every 1 seconds",
        url=worker.url,
        audience="https://me",
        service_account="scheduler@b",
    )
    server = start_server(jobs=[job])
    first, second = worker.wait_for(2)
    assert not overlapped.is_set()
    assert second.at - first.at >= 1.3
    token = first.headers["Authorization"].split()[1]
    claims = id_token.verify_token(token, Request(), "https://me", certs_url=server.certs_url)
    assert claims["email"] == "scheduler@b"
    assert first.headers["X-CloudScheduler-JobName"] == "sweep"
