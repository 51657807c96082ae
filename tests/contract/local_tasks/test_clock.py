"""Setting the machine's clock forward or back delays nothing."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from local.host import clock_watch
from local.scheduler import ticker
from local.scheduler.job import Job
from local.tasks.dispatch import dispatcher
from tests.contract.local_tasks.conftest import StartServer
from tests.contract.local_tasks.test_tasks import make_task
from tests.support.worker import QUEUE, Delivery, Worker, connect

HOUR = 3600.0
TOKEN = {"service_account_email": "a@b.c", "audience": "https://worker"}


class SetClock:
    """The machine's clock, which a test may set."""

    def __init__(self) -> None:
        self.by = 0.0
        self._time = time.time

    def __call__(self) -> float:
        return self._time() + self.by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    clock = SetClock()
    monkeypatch.setattr(time, "time", clock)
    for module in (dispatcher, ticker):
        monkeypatch.setattr(module, "LOOK_EVERY", 0.05)
    return clock


def issued_at(delivery: Delivery) -> int:
    body = delivery.headers["Authorization"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return int(claims["iat"])


def test_a_watch_notices_a_jump_once_and_no_drift(clock: SetClock) -> None:
    watch = clock_watch.ClockWatch()
    clock.by = 0.5
    assert watch.jump() == 0
    clock.by = -HOUR
    assert watch.jump() == pytest.approx(-HOUR, abs=1)
    assert watch.jump() == 0
    clock.by = 0
    assert watch.jump() == pytest.approx(HOUR, abs=1)


def test_a_token_from_the_future_is_not_sent_once_the_clock_was_set_back(
    start_server: StartServer, worker: Worker, clock: SetClock
) -> None:
    # No request is sent after the change, because gRPC's clients have deadlines by the clock.
    worker.script = lambda delivery: (503 if delivery.retry_count == 0 else 200, {})
    slow = {"retryConfig": {"minBackoff": "1s", "maxBackoff": "1s"}}
    client = connect(start_server(slow).address)
    task = make_task(worker.url, http_request={"oidc_token": TOKEN})
    client.create_task(parent=QUEUE, task=task)
    worker.wait_for(1)
    clock.by = -HOUR
    [first, second] = worker.wait_for(2)
    assert issued_at(second) < issued_at(first)
    assert issued_at(second) <= clock()


def test_setting_the_clock_back_delays_no_waiting_task(
    start_server: StartServer, worker: Worker, clock: SetClock
) -> None:
    worker.script = lambda delivery: (503 if delivery.retry_count == 0 else 200, {})
    slow = {"retryConfig": {"minBackoff": "1s", "maxBackoff": "1s"}}
    client = connect(start_server(slow).address)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    worker.wait_for(1)
    clock.by = -HOUR
    worker.wait_for(2, seconds=10)


def test_setting_the_clock_forward_dispatches_due_tasks(
    start_server: StartServer, worker: Worker, clock: SetClock
) -> None:
    client = connect(start_server().address)
    later = datetime.fromtimestamp(clock(), UTC) + timedelta(hours=1)
    client.create_task(parent=QUEUE, task=make_task(worker.url, schedule_time=later))
    clock.by = HOUR
    worker.wait_for(1, seconds=10)


def test_setting_the_clock_back_during_a_downtime_delays_no_task(
    start_server: StartServer, worker: Worker, clock: SetClock
) -> None:
    clock.by = HOUR
    server = start_server({"state": "PAUSED"})
    client = connect(server.address)
    client.create_task(parent=QUEUE, task=make_task(worker.url))
    server.stop()
    clock.by = 0
    client = connect(start_server().address)
    client.resume_queue(name=QUEUE)
    worker.wait_for(1, seconds=10)


@pytest.mark.parametrize("by", [-HOUR, HOUR])
@pytest.mark.parametrize("schedule", ["every 1 seconds", "* * * * *"])
def test_a_job_continues_after_the_clock_was_set(
    start_server: StartServer, worker: Worker, clock: SetClock, by: float, schedule: str
) -> None:
    # So that a minute ends shortly after each change.
    clock.by = 58.5 - time.time() % 60
    start_server(jobs=[Job(name="j", schedule=schedule, url=worker.url)])
    worker.wait_for(1, seconds=10)
    clock.by += by + 58.5 - time.time() % 60
    worker.wait_for(2, seconds=10)
