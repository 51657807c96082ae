"""Runs jobs on schedule; jobs run in parallel, but no job overlaps itself.

As in Cloud Scheduler, a run that is due while the previous one or its retries still run starts when
that has ended, and runs once even if several runs were due.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.host.clock_watch import LOOK_EVERY
from local.http.client import ConnectionPool
from local.http.messages import Answer, Request
from local.http.retry import compute_backoff, is_exhausted
from local.scheduler.cron import Schedule
from local.scheduler.job import Job

_log = logging.getLogger(__name__)

#: Creates an OIDC token for a service account's email address and an audience.
MintToken = Callable[[str, str], Awaitable[str]]


@dataclass(slots=True)
class JobRun:
    """A job's next due time and its last attempt; `answer` is empty while the attempt runs."""

    job: Job
    due: datetime
    attempt: int = 0
    begun: datetime | None = None
    answer: str = ""


class Ticker:
    """Runs jobs, each in its own asyncio task, from `start` to `stop`."""

    def __init__(self, jobs: Iterable[Job], mint: MintToken) -> None:
        self._mint = mint
        self._connections = ConnectionPool()
        now = _now()
        self.runs = [JobRun(job, job.read_schedule()(now)) for job in jobs]
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all jobs in the running event loop."""
        self._keepers = [asyncio.create_task(self._keep(run)) for run in self.runs]

    async def stop(self) -> None:
        """Start no more runs, and cancel those in progress."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._connections.close()

    async def _keep(self, run: JobRun) -> None:
        schedule = run.job.read_schedule()
        while True:
            await _wait_until_due(run, schedule)
            try:
                await self._see_through(run)
            except Exception:  # a bug here must not end the scheduler
                _log.exception("%s: the run failed in the scheduler itself", run.job.name)
            run.due = find_next(schedule, run.due, _now())

    async def _see_through(self, run: JobRun) -> None:
        """Attempt the run until it succeeds or its retries are used up."""
        policy = run.job.read_policy()
        run.attempt, first = 0, time.monotonic()
        while True:
            run.attempt, run.begun, run.answer = run.attempt + 1, _now(), ""
            answer = await self._attempt(run)
            run.answer = answer.failure or f"HTTP {answer.status}"
            if answer.succeeded:
                return
            _log.warning("%s failed, attempt %d: %s", run.job.name, run.attempt, run.answer)
            if is_exhausted(policy, run.attempt, timedelta(seconds=time.monotonic() - first)):
                return
            await asyncio.sleep(compute_backoff(policy, run.attempt).total_seconds())

    async def _attempt(self, run: JobRun) -> Answer:
        job = run.job
        headers = job.headers | {
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": job.name,
            "X-CloudScheduler-ScheduleTime": run.due.isoformat().replace("+00:00", "Z"),
        }
        if job.service_account:
            token = await self._mint(job.service_account, job.audience or job.url)
            headers["Authorization"] = f"Bearer {token}"
        if job.body and "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/octet-stream"
        request = Request(job.http_method, job.url, headers, job.body.encode())
        return await self._connections.send(request, job.attempt_deadline.total_seconds())


async def _wait_until_due(run: JobRun, schedule: Schedule) -> None:
    """Wait until a run is due; check the clock now and then, since it may be set back."""
    while (wait := (run.due - _now()).total_seconds()) > 0:
        await asyncio.sleep(min(wait, LOOK_EVERY))
        run.due = min(run.due, schedule(_now()))


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def find_next(schedule: Schedule, due: datetime, now: datetime) -> datetime:
    """Return the next time to run; if runs were missed, that is the last missed time."""
    missed = schedule(due)
    if missed > now:
        return missed
    while (following := schedule(missed)) <= now:
        missed = following
    return missed
