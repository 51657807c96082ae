"""A job of the scheduler: the settings of Cloud Scheduler's Job with an HTTP target."""

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local.http.retry import RetryConfig
from local.scheduler.cron import Schedule, parse_schedule

_MIN_DEADLINE = timedelta(seconds=15)
_MAX_DEADLINE = timedelta(minutes=30)
_MAX_RETRIES = 5
_DURATIONS = {"attempt_deadline", "max_retry_duration", "min_backoff", "max_backoff"}


class BrokenJob(ValueError):
    """Cloud Scheduler would not accept the settings; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is called and when; `schedule` is unix-cron in the time zone, or ``every N seconds``.

    A failed run is retried at least `retry_count` times, and at least until `max_retry_duration` is
    over. If neither is set, it is not retried.
    """

    name: str
    schedule: str
    url: str
    audience: str = ""
    service_account: str = ""
    time_zone: str = "Etc/UTC"
    http_method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    attempt_deadline: timedelta = timedelta(minutes=3)
    retry_count: int = 0
    max_retry_duration: timedelta = timedelta(0)
    min_backoff: timedelta = timedelta(seconds=5)
    max_backoff: timedelta = timedelta(hours=1)
    max_doublings: int = 5

    def __post_init__(self) -> None:
        if not _MIN_DEADLINE <= self.attempt_deadline <= _MAX_DEADLINE:
            raise BrokenJob("attempt_deadline must be from 15 seconds to 30 minutes")
        if not 0 <= self.retry_count <= _MAX_RETRIES:
            raise BrokenJob(f"retry_count must be from 0 to {_MAX_RETRIES}")
        if self.min_backoff > self.max_backoff:
            raise BrokenJob("min_backoff must not be longer than max_backoff")
        self.read_schedule()

    def read_schedule(self) -> Schedule:
        """Return the job's schedule; it takes and returns times in UTC."""
        return in_zone(parse_schedule(self.schedule), self.time_zone)

    def read_policy(self) -> RetryConfig:
        """Return the retry policy of a failed attempt."""
        return RetryConfig(
            max_attempts=self.retry_count + 1,
            max_retry_duration=self.max_retry_duration,
            min_backoff=self.min_backoff,
            max_backoff=self.max_backoff,
            max_doublings=self.max_doublings,
        )


def in_zone(schedule: Schedule, time_zone: str) -> Schedule:
    """Return a schedule that works in a time zone, and takes and returns times in UTC.

    A local time that the clock skips comes an hour later; one that occurs twice comes once.
    """
    if time_zone in ("Etc/UTC", "UTC"):
        return schedule
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BrokenJob(f"{time_zone!r} is not a time zone that this machine knows") from error

    def find_next(after: datetime) -> datetime:
        shown = schedule(after.astimezone(zone)).replace(fold=0)
        if shown.astimezone(UTC) <= after:
            shown = shown.replace(fold=1)
        return shown.astimezone(UTC)

    return find_next


def read_job(text: str) -> Job:
    """Return the job in a JSON object with Job's fields, durations in seconds.

    Raises BrokenJob or BrokenSchedule, both ValueErrors, for invalid settings.
    """
    try:
        stated = json.loads(text)
        durations = {name: timedelta(seconds=stated[name]) for name in _DURATIONS & stated.keys()}
        return Job(**(stated | durations))
    except (TypeError, AttributeError, OverflowError, json.JSONDecodeError) as error:
        names = ", ".join(one.name for one in fields(Job))
        raise BrokenJob(f"a job is a JSON object of {names}: {error}") from error
