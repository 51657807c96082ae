"""Builds the HTTP request of a task's attempt, and decides what its response means."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from local.http.messages import Answer, Request
from local.http.retry import MAX_RETENTION, RetryConfig, compute_backoff, is_exhausted, read_policy
from local.tasks.dispatch.app_request import make_app_request
from local.tasks.dispatch.signer import Signer
from local.tasks.resources.target import apply_target
from local.tasks.resources.task_checks import DEFAULT_DEADLINE
from local.tasks.storage.records import DEADLINE_EXCEEDED, UNAVAILABLE, TaskRecord, read_code
from local.tasks.v2.messages import METHODS
from local.tasks.v2.names import short_name

_SLOWING = (429, 503)
_SLOWING_APPS = (503,)
#: The status that the next attempt's headers give for an attempt that timed out.
_TIMED_OUT = 504


@dataclass(frozen=True, slots=True)
class Disposition:
    """What happens to a task after an attempt: it succeeded, is given up, or is retried."""

    record: TaskRecord
    succeeded: bool = False
    given_up: bool = False
    slows_queue: bool = False


def begin_attempt(record: TaskRecord, now: float) -> TaskRecord:
    """Return the record of a task whose next attempt begins now."""
    return replace(
        record,
        dispatches=record.dispatches + 1,
        first_dispatched=record.first_dispatched or now,
        attempt_scheduled=record.scheduled,
        attempt_dispatched=now,
        attempt_answered=0.0,
    )


async def make_request(
    record: TaskRecord, task: Any, target: Any | None, signer: Signer, app: str = ""
) -> Request:
    """Return the request of an attempt that has begun, with the headers that the service sets.

    `target` is the queue's HttpTarget, if it has one; `app` is the URL for App Engine tasks.
    """
    if is_of_app(task):
        return make_app_request(record, task, app)
    wanted = task.http_request if target is None else apply_target(task.http_request, target)
    headers = dict(wanted.headers) | _tell_attempt(record)
    if wanted.HasField("oidc_token"):
        headers = {key: headers[key] for key in headers if key.lower() != "authorization"}
        token = wanted.oidc_token
        minted = await signer.mint(token.service_account_email, token.audience or wanted.url)
        headers["Authorization"] = f"Bearer {minted}"
    return Request(METHODS[wanted.http_method], wanted.url, headers, wanted.body)


def judge(
    record: TaskRecord,
    task: Any,
    policy: RetryConfig,
    answer: Answer,
    now: float,
    retry_from: float,
) -> Disposition:
    """Return what a response means for a task; the task's own retry policy overrides `policy`.

    The wait before the next attempt counts from `retry_from`.
    """
    answered = _end_attempt(record, answer, now)
    if answer.succeeded:
        return Disposition(answered, succeeded=True)
    if task.HasField("retry_config"):
        policy = read_policy(task.retry_config)
    age = timedelta(seconds=now - record.first_dispatched)
    outlived = now - record.created > MAX_RETENTION.total_seconds()
    if outlived or is_exhausted(policy, record.dispatches, age):
        return Disposition(answered, given_up=True)
    slowing = answer.status in (_SLOWING_APPS if is_of_app(task) else _SLOWING)
    wait = compute_backoff(policy, record.dispatches).total_seconds()
    if slowing:
        wait = max(wait, answer.retry_after)
    wait = min(wait, MAX_RETENTION.total_seconds())
    return Disposition(replace(answered, scheduled=retry_from + wait), slows_queue=slowing)


def describe_verdict(verdict: Disposition) -> str:
    """Return a short text: what happens to the task."""
    if verdict.succeeded:
        return "done"
    if verdict.given_up:
        return "given up"
    wait = verdict.record.scheduled - verdict.record.attempt_answered
    return f"retry in {max(wait, 0):.3g} s" + (", queue slowed" if verdict.slows_queue else "")


def is_of_app(task: Any) -> bool:
    """Tell whether a task goes to the App Engine app."""
    return bool(task.HasField("app_engine_http_request"))


def read_deadline(task: Any) -> float:
    """Return how many seconds to wait for a response."""
    deadline: timedelta = task.dispatch_deadline.ToTimedelta() or DEFAULT_DEADLINE
    return deadline.total_seconds()


def _tell_attempt(record: TaskRecord) -> dict[str, str]:
    headers = {
        "X-CloudTasks-QueueName": short_name(record.queue),
        "X-CloudTasks-TaskName": short_name(record.name),
        "X-CloudTasks-TaskRetryCount": str(record.dispatches - 1),
        "X-CloudTasks-TaskExecutionCount": str(record.executions),
        "X-CloudTasks-TaskETA": f"{record.attempt_scheduled:.6f}",
    }
    if record.dispatches > 1:
        # For HTTP tasks the service always sends this header empty.
        headers["X-CloudTasks-TaskRetryReason"] = ""
    previous = record.previous_status
    if record.previous_code == DEADLINE_EXCEEDED:
        previous = previous or _TIMED_OUT
    if previous:
        headers["X-CloudTasks-TaskPreviousResponse"] = str(previous)
    return headers


def _end_attempt(record: TaskRecord, answer: Answer, now: float) -> TaskRecord:
    ended = replace(
        record,
        attempt_answered=now,
        previous_status=answer.status,
        previous_code=_read_code(answer),
        previous_reason=answer.failure or f"HTTP status code {answer.status}",
    )
    if answer.status:
        ended.responses += 1
    if answer.status and answer.status < 500:
        ended.executions += 1
    return ended


def _read_code(answer: Answer) -> int:
    if answer.status:
        return read_code(answer.status)
    return DEADLINE_EXCEEDED if answer.timed_out else UNAVAILABLE
