"""The meaning of an answer for a task, as a pure function."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from local.http.messages import Answer
from local.http.retry import RetryConfig
from local.tasks.dispatch.delivery import describe_verdict, judge, make_request
from local.tasks.storage.records import TaskRecord
from local.tasks.v2.messages import Task

if TYPE_CHECKING:
    from local.tasks.dispatch.signer import Signer

POLICY = RetryConfig(
    max_attempts=3,
    max_retry_duration=timedelta(0),
    min_backoff=timedelta(seconds=10),
    max_backoff=timedelta(seconds=300),
    max_doublings=3,
)
MONTH = timedelta(days=31).total_seconds()


def judge_one(answer: Answer, *, dispatches: int = 1, task: Any = None, **of_record: Any) -> Any:
    """Judge an answer that came at second 1000 to an attempt forced at 900."""
    record = TaskRecord("q/tasks/t", "q", b"", 0.0, 0.0, dispatches=dispatches, **of_record)
    return judge(record, task or Task(), POLICY, answer, now=1000.0, retry_from=900.0)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert judge_one(Answer(status)).succeeded


@pytest.mark.parametrize("status", [100, 199, 300, 304, 307, 400, 404, 500, 599])
def test_any_other_answer_is_retried_after_the_backoff(status: int) -> None:
    verdict = judge_one(Answer(status))
    assert (verdict.succeeded, verdict.given_up, verdict.slows_queue) == (False, False, False)
    assert verdict.record.scheduled == 910


def test_a_task_out_of_attempts_is_dropped() -> None:
    assert not judge_one(Answer(500), dispatches=2).given_up
    verdict = judge_one(Answer(500), dispatches=3)
    assert verdict.given_up
    assert describe_verdict(verdict) == "given up"


def test_a_tasks_own_settings_override_its_queues() -> None:
    own = Task(retry_config={"max_attempts": 1, "min_backoff": {"seconds": 1}})
    assert judge_one(Answer(500), task=own).given_up


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_worker_slows_the_queue_and_may_ask_for_a_longer_wait(status: int) -> None:
    assert judge_one(Answer(status, retry_after=5)).record.scheduled == 910
    verdict = judge_one(Answer(status, retry_after=60))
    assert verdict.slows_queue
    assert verdict.record.scheduled == 960


def test_other_answers_cannot_ask_for_a_longer_wait() -> None:
    assert judge_one(Answer(500, retry_after=60)).record.scheduled == 910


def test_no_wait_is_longer_than_a_task_lives() -> None:
    assert judge_one(Answer(503, retry_after=1e12)).record.scheduled == 900 + MONTH


def test_a_task_past_its_lifetime_is_dropped() -> None:
    old = TaskRecord("q/tasks/t", "q", b"", 999.0 - MONTH, 0.0, dispatches=1)
    assert judge(old, Task(), POLICY, Answer(500), 1000.0, 1000.0).given_up


@pytest.mark.parametrize(
    ("answer", "code", "responses", "executions"),
    [
        (Answer(404), 5, 1, 1),
        (Answer(503), 14, 1, 0),
        (Answer(418), 2, 1, 1),
        (Answer(0, "no response within 600 s", timed_out=True), 4, 0, 0),
        (Answer(0, "ConnectionRefusedError"), 14, 0, 0),
    ],
)
def test_the_attempt_is_recorded_with_its_code(
    answer: Answer, code: int, responses: int, executions: int
) -> None:
    record = judge_one(answer).record
    assert (record.previous_code, record.responses, record.executions) == (
        *(code, responses, executions),
    )
    assert record.attempt_answered == 1000


@pytest.mark.parametrize(
    ("status", "code", "previous"), [(404, 5, "404"), (0, 4, "504"), (0, 14, None)]
)
def test_a_retry_has_the_previous_status_but_no_reason(
    status: int, code: int, previous: str | None
) -> None:
    record = TaskRecord("q/tasks/t", "q", b"", 0.0, 0.0, dispatches=2)
    record.previous_status, record.previous_code, record.previous_reason = status, code, "why"
    task = Task(http_request={"url": "http://127.0.0.1:1/"})
    headers = asyncio.run(make_request(record, task, None, cast("Signer", None))).headers
    assert headers.get("X-CloudTasks-TaskPreviousResponse") == previous
    assert headers["X-CloudTasks-TaskRetryReason"] == ""
    assert headers["X-CloudTasks-TaskRetryCount"] == "1"
