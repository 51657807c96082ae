"""The scheduler's jobs: their form, time zones and retries."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.scheduler.job import BrokenJob, Job, read_job
from tests.contract.local_tasks.conftest import StartServer
from tests.support.worker import Worker

PLAIN = {"name": "a", "schedule": "0 2 * * *", "url": "http://127.0.0.1:1/"}


def list_runs(schedule: str, time_zone: str, after: datetime, count: int = 3) -> list[str]:
    find_next = Job(name="a", schedule=schedule, time_zone=time_zone, url="").read_schedule()
    runs = []
    for _ in range(count):
        after = find_next(after)
        runs.append(after.strftime("%m-%d %H:%M"))
    return runs


def test_a_job_is_read_from_json_with_durations_in_seconds() -> None:
    job = read_job(json.dumps({**PLAIN, "attempt_deadline": 15, "min_backoff": 0.5}))
    assert job.attempt_deadline == timedelta(seconds=15)
    assert job.min_backoff == timedelta(milliseconds=500)
    assert job.max_backoff == timedelta(hours=1)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"retry_count": 6}, "from 0 to 5"),
        ({"retry_count": -1}, "from 0 to 5"),
        ({"attempt_deadline": 14}, "15 seconds to 30 minutes"),
        ({"attempt_deadline": 1801}, "15 seconds to 30 minutes"),
        ({"attempt_deadline": 1e300}, "a job is a JSON object"),
        ({"min_backoff": 7200}, "longer than max_backoff"),
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"schedule": "0 25 * * *"}, "0 to 23"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_broken_job_is_refused_with_the_reason(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_job(json.dumps({**PLAIN, **settings}))


@pytest.mark.parametrize("text", ["", "[]", "1", "null"])
def test_a_job_must_be_an_object(text: str) -> None:
    with pytest.raises(BrokenJob, match="a job is a JSON object of name, schedule"):
        read_job(text)


def test_a_job_runs_by_the_clock_of_its_zone_in_summer_and_in_winter() -> None:
    assert list_runs("30 9 * * *", "Europe/London", datetime(2026, 3, 28, tzinfo=UTC)) == [
        *("03-28 09:30", "03-29 08:30", "03-30 08:30")
    ]
    assert list_runs("0 0 * * mon", "Asia/Tokyo", datetime(2026, 3, 1, tzinfo=UTC), 1) == [
        "03-01 15:00"
    ]


def test_a_time_that_summer_time_skips_runs_an_hour_later() -> None:
    assert list_runs("30 1 * * *", "Europe/London", datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == [
        *("03-29 01:30", "03-30 00:30")
    ]


def test_a_time_that_winter_time_repeats_runs_once() -> None:
    assert list_runs("30 1 * * *", "Europe/London", datetime(2026, 10, 24, 12, tzinfo=UTC), 2) == [
        *("10-25 00:30", "10-26 01:30")
    ]


@pytest.mark.parametrize("minute", range(0, 180, 7))
def test_the_next_run_is_always_later_even_if_the_clock_goes_back(minute: int) -> None:
    after = datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(minutes=minute)
    job = Job(name="a", schedule="*/10 * * * *", time_zone="Europe/London", url="")
    assert after < job.read_schedule()(after) <= after + timedelta(minutes=70)


def test_a_failed_attempt_is_followed_by_as_many_retries_as_the_job_has(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (500 if len(worker.deliveries) < 3 else 200, {})
    backoff = timedelta(milliseconds=20)
    start_server(jobs=[make_job(worker, retry_count=2, min_backoff=backoff, max_backoff=backoff)])
    times = [delivery.headers["X-CloudScheduler-ScheduleTime"] for delivery in worker.wait_for(4)]
    assert times[0] == times[1] == times[2]
    assert times[3] > times[0]


def test_without_retries_a_failed_run_waits_for_the_next(
    start_server: StartServer, worker: Worker
) -> None:
    worker.script = lambda _: (500, {})
    start_server(jobs=[make_job(worker)])
    first, second = worker.wait_for(2)
    when = "X-CloudScheduler-ScheduleTime"
    assert first.headers[when] < second.headers[when]


def test_a_job_sends_its_headers_and_body(start_server: StartServer, worker: Worker) -> None:
    start_server(jobs=[make_job(worker, http_method="PUT", body="{}", headers={"X-Mine": "yes"})])
    (delivery,) = worker.wait_for(1)
    assert (delivery.method, delivery.body, delivery.headers["X-Mine"]) == ("PUT", b"{}", "yes")
    assert delivery.headers["Content-Type"] == "application/octet-stream"
    assert delivery.headers["User-Agent"] == "Google-Cloud-Scheduler"
    assert delivery.headers["X-CloudScheduler"] == "true"
    assert "Authorization" not in delivery.headers


def make_job(worker: Worker, **settings: Any) -> Job:
    return Job(name="sweep", schedule="every 1 seconds", url=worker.url, **settings)
