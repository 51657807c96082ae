"""What makes a task acceptable, and what an accepted one is filled up with (v2 reference, Task)."""

import ipaddress
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from local.tasks.messages import METHODS
from local.tasks.names import check_task, make_task_name, queue_of
from local.tasks.refusals import InvalidArgument, Unserved
from local.tasks.retry_checks import complete_retry
from local.tasks.times import read_duration, read_time

_MAX_TASK_BYTES = 1024 * 1024
_MAX_HEADER_BYTES = 80 * 1024
_MAX_URL_LENGTH = 2083
_MAX_AHEAD = timedelta(days=30)
_DEFAULT_DEADLINE = timedelta(minutes=10)
_MIN_DEADLINE = timedelta(seconds=15)
_MAX_DEADLINE = timedelta(minutes=30)
_METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}
_REPLACED_HEADERS = {"host", "content-length", "user-agent", "transfer-encoding", "connection"}
_RESERVED_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-")


def complete_task(task: Any, queue: str) -> Any:
    """Check a task message for its queue and fill in its name, times and defaults, in place.

    Raises InvalidArgument for what the service refuses, and Unserved for what only Google's does.
    """
    if task.ByteSize() > _MAX_TASK_BYTES:
        raise InvalidArgument(f"Task size too large: at most {_MAX_TASK_BYTES} bytes are allowed.")
    _complete_name(task, queue)
    _complete_request(task)
    _complete_times(task)
    if task.HasField("retry_config"):
        complete_retry(task.retry_config)
    return task


def check_url(url: str) -> None:
    """Refuse a URL that is none, is too long, or leaves this machine."""
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument('HttpRequest.url must start with "http://" or "https://".')
    if len(url) > _MAX_URL_LENGTH or any(c <= " " or c > "~" for c in url):
        raise InvalidArgument(
            f"HttpRequest.url must be at most {_MAX_URL_LENGTH} printable ASCII characters."
        )
    if not url.startswith("http://") or not _is_loopback(url):
        raise InvalidArgument(
            "HttpRequest.url must be http:// on this machine (127.0.0.1 or localhost): the local "
            "Cloud Tasks delivers nowhere else."
        )


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _complete_name(task: Any, queue: str) -> None:
    if not task.name:
        task.name = make_task_name(queue)
    elif queue_of(check_task(task.name)) != queue:
        raise InvalidArgument(
            f"The queue name from request ('{queue}') must be the same as the queue name in the "
            f"named task ('{queue_of(task.name)}')."
        )


def _complete_request(task: Any) -> None:
    kind = task.WhichOneof("message_type")
    if kind == "app_engine_http_request":
        raise Unserved("App Engine tasks are not served locally; use http_request.")
    request = task.http_request
    check_url(request.url)
    if request.http_method >= len(METHODS):
        raise InvalidArgument("HttpRequest.http_method is unknown.")
    request.http_method = request.http_method or 1
    if request.body and METHODS[request.http_method] not in _METHODS_WITH_BODY:
        raise InvalidArgument("HttpRequest.body is only allowed with POST, PUT and PATCH.")
    _complete_headers(request)
    _check_authorization(request)


def _complete_headers(request: Any) -> None:
    if sum(len(k) + len(v) for k, v in request.headers.items()) >= _MAX_HEADER_BYTES:
        raise InvalidArgument("HttpRequest.headers must be less than 80 KB.")
    for key in list(request.headers):
        if key.lower() in _REPLACED_HEADERS or key.lower().startswith(_RESERVED_PREFIXES):
            del request.headers[key]
        elif not _is_header(key, request.headers[key]):
            raise InvalidArgument(f"HttpRequest.headers holds an invalid header: {key!r}")
    request.headers["User-Agent"] = "Google-Cloud-Tasks"


def _is_header(key: str, value: str) -> bool:
    return (
        key != ""
        and all("!" <= c <= "~" and c != ":" for c in key)
        and all(c == "\t" or " " <= c <= "\xff" for c in value)
    )


def _check_authorization(request: Any) -> None:
    if request.HasField("oauth_token"):
        raise Unserved("OAuth tokens are not minted locally; use oidc_token.")
    if request.HasField("oidc_token") and "@" not in request.oidc_token.service_account_email:
        raise InvalidArgument("OidcToken.service_account_email must be an e-mail address.")


def _complete_times(task: Any) -> None:
    now = time.time()
    task.create_time.FromSeconds(int(now))
    if not task.HasField("schedule_time"):
        task.schedule_time.FromMicroseconds(int(now * 1e6))
    elif read_time(task.schedule_time, "Task.schedule_time") > now + _MAX_AHEAD.total_seconds():
        raise InvalidArgument("Task.schedule_time must be at most 30 days in the future.")
    if not task.HasField("dispatch_deadline"):
        task.dispatch_deadline.FromTimedelta(_DEFAULT_DEADLINE)
    deadline = read_duration(task.dispatch_deadline, "Task.dispatch_deadline")
    if not _MIN_DEADLINE <= deadline <= _MAX_DEADLINE:
        raise InvalidArgument("Task.dispatch_deadline must be between [15s, 30m].")
