"""Runs jobs by the clock: one thread a job, so that no job can hold up or overlap itself.

Like Cloud Scheduler: a run that falls due while the one before is still going is delayed until
that has ended, and runs once however many were due; a failed run is not repeated before the next.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.scheduler.cron import Schedule, parse_schedule
from local.tasks.wire import ConnectionPool, Request

_log = logging.getLogger(__name__)

#: Mints an OIDC token for a service account's e-mail and an audience.
MintToken = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Job:
    """What is called and when; `schedule` is unix-cron in UTC, or ``every N seconds``."""

    name: str
    schedule: str
    url: str
    audience: str
    service_account: str
    attempt_deadline: timedelta = timedelta(minutes=3)


def read_job(text: str) -> Job:
    """Return the job that a JSON object states, field by field; ValueError if it does not."""
    try:
        job = Job(**json.loads(text))
    except (TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"a job is a JSON object of {', '.join(Job.__slots__)}: {error}"
        ) from error
    parse_schedule(job.schedule)
    return job


class Ticker:
    """The threads of the jobs."""

    def __init__(self, jobs: Iterable[Job], mint: MintToken) -> None:
        self._mint = mint
        self._stopping = threading.Event()
        self._connections = ConnectionPool()
        self._threads = [
            threading.Thread(target=self._keep, args=(job,), name=job.name, daemon=True)
            for job in jobs
        ]

    def start(self) -> None:
        """Begin; the first run of each job comes when its schedule says, not at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Start no more runs, and break off those that are going."""
        self._stopping.set()
        self._connections.close()
        for thread in self._threads:
            thread.join()

    def _keep(self, job: Job) -> None:
        schedule = parse_schedule(job.schedule)
        due = schedule(datetime.now(UTC))
        while not self._stopping.wait(max(0.0, (due - datetime.now(UTC)).total_seconds())):
            self._run(job, due)
            due = _find_next(schedule, due, datetime.now(UTC))

    def _run(self, job: Job, due: datetime) -> None:
        try:
            headers = {
                "Authorization": f"Bearer {self._mint(job.service_account, job.audience)}",
                "User-Agent": "Google-Cloud-Scheduler",
                "X-CloudScheduler": "true",
                "X-CloudScheduler-JobName": job.name,
                "X-CloudScheduler-ScheduleTime": due.isoformat().replace("+00:00", "Z"),
            }
            request = Request("POST", job.url, headers, b"")
            answer = self._connections.send(request, job.attempt_deadline.total_seconds())
        except Exception:
            _log.exception("%s: the run failed in the scheduler itself", job.name)
            return
        if not answer.succeeded and not self._stopping.is_set():
            _log.warning("%s failed: %s", job.name, answer.failure or f"HTTP {answer.status}")


def _find_next(schedule: Schedule, due: datetime, now: datetime) -> datetime:
    """Return the next time to run: a missed one is made up for once, at once."""
    missed = schedule(due)
    if missed > now:
        return missed
    while (following := schedule(missed)) <= now:
        missed = following
    return missed
