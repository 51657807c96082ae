"""The request for an App Engine app, as recorded from Google's service.

One local app, given by its URL, stands in for every service and version.
"""

from typing import Any

from local.http.messages import Request
from local.tasks.storage.records import DEADLINE_EXCEEDED, TaskRecord
from local.tasks.v2.messages import METHODS
from local.tasks.v2.names import short_name


def make_app_request(record: TaskRecord, task: Any, app: str) -> Request:
    """Return the request of an attempt that has begun."""
    wanted = task.app_engine_http_request
    headers = {key: value for key, value in wanted.headers.items() if key != "Content-Length"}
    headers |= {
        "X-AppEngine-QueueName": short_name(record.queue),
        "X-AppEngine-TaskName": short_name(record.name),
        "X-AppEngine-TaskRetryCount": str(record.dispatches - 1),
        "X-AppEngine-TaskExecutionCount": str(record.responses),
        "X-AppEngine-TaskETA": f"{record.attempt_scheduled:.6f}",
    }
    if record.dispatches > 1:
        late = record.previous_code == DEADLINE_EXCEEDED and not record.previous_status
        headers["X-AppEngine-TaskPreviousResponse"] = str(record.previous_status)
        headers["X-AppEngine-TaskRetryReason"] = "Instance Unavailable" if late else "App Error"
    url = app.rstrip("/") + wanted.relative_uri
    return Request(METHODS[wanted.http_method], url, headers, wanted.body)
