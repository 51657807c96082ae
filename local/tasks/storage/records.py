"""A stored task: the message that it was created with, and its attempts since."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.tasks.v2.messages import FULL_VIEW, Task

#: google.rpc.Code by the worker's HTTP status; 2 (UNKNOWN) for any other.
_RPC_CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 10,
    429: 8,
    499: 1,
    500: 13,
    501: 12,
    503: 14,
    504: 4,
}
DEADLINE_EXCEEDED = 4
UNAVAILABLE = 14
_UNKNOWN = 2


@dataclass(slots=True)
class TaskRecord:
    """One row of the task table; times are epoch seconds, 0 if it has not happened."""

    name: str
    queue: str
    body: bytes
    created: float
    scheduled: float
    dispatches: int = 0
    responses: int = 0
    executions: int = 0
    first_dispatched: float = 0.0
    attempt_scheduled: float = 0.0
    attempt_dispatched: float = 0.0
    attempt_answered: float = 0.0
    previous_status: int = 0
    previous_code: int = 0
    previous_reason: str = ""

    def read_message(self) -> Any:
        """Return the message that the task was created with."""
        return Task.FromString(self.body)


def read_code(status: int) -> int:
    """Return the google.rpc.Code for a worker's HTTP status."""
    return _RPC_CODES.get(status, _UNKNOWN)


def to_message(record: TaskRecord, view: int) -> Any:
    """Return the task as the API shows it; the body is included only in the view FULL."""
    task = record.read_message()
    task.view = FULL_VIEW if view == FULL_VIEW else 1
    if task.view != FULL_VIEW:
        getattr(task, task.WhichOneof("message_type")).ClearField("body")
    _set_time(task.schedule_time, record.scheduled)
    task.dispatch_count = record.dispatches
    task.response_count = record.responses
    if record.dispatches:
        _set_time(task.first_attempt.dispatch_time, record.first_dispatched)
        _set_attempt(task.last_attempt, record)
    return task


def _set_attempt(attempt: Any, record: TaskRecord) -> None:
    _set_time(attempt.schedule_time, record.attempt_scheduled)
    _set_time(attempt.dispatch_time, record.attempt_dispatched)
    if record.attempt_answered:
        _set_time(attempt.response_time, record.attempt_answered)
        attempt.response_status.code = record.previous_code
        attempt.response_status.message = record.previous_reason


def _set_time(field: Any, seconds: float) -> None:
    field.FromDatetime(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
