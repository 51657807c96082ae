"""Validation and defaults of tasks (v2 reference, Task)."""

import ipaddress
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from local.rpc.errors import InvalidArgument, Unimplemented
from local.tasks.resources.app_engine import complete_app_engine
from local.tasks.resources.retry_checks import complete_retry
from local.tasks.v2.headers import check_header, check_header_size, is_replaced
from local.tasks.v2.messages import METHODS
from local.tasks.v2.names import check_new_task, make_task_name
from local.tasks.v2.times import read_duration, read_time

USER_AGENT = "Google-Cloud-Tasks"
#: The maximum size of a stored task, with its defaults: measured as 1 MiB less seven bytes.
_MAX_TASK_BYTES = 1024 * 1024 - 7
_MAX_URL_LENGTH = 2083
_MAX_AHEAD = timedelta(days=30)
#: How long to wait for a response, unless the task has its own deadline.
DEFAULT_DEADLINE = timedelta(minutes=10)
_MIN_DEADLINE = timedelta(seconds=15)
_MAX_DEADLINE = timedelta(minutes=30)
_MAX_APP_DEADLINE = timedelta(hours=24, seconds=15)
_METHODS_WITH_BODY = {"POST", "PUT", "PATCH"}
#: Characters of a URL that are not escaped as %XX, beside letters and digits.
_KEPT_IN_URLS = "!#$%&'()*+,-./:;=?@[]_~"


def complete_task(task: Any, queue: str, app: str = "") -> Any:
    """Validate a task message for its queue and set its name, times and defaults, in place.

    `app` is the URL of the App Engine app, if there is one. Raises InvalidArgument if the service
    would refuse the task, and Unimplemented for features that only Google's service has.
    """
    task.name = check_new_task(task.name, queue) if task.name else make_task_name(queue)
    if task.WhichOneof("message_type") == "app_engine_http_request":
        complete_app_engine(task.app_engine_http_request, app, queue.split("/")[1])
    else:
        _complete_request(task.http_request)
    _complete_times(task)
    _complete_deadline(task)
    if task.HasField("retry_config"):
        complete_retry(task.retry_config)
    if task.ByteSize() > _MAX_TASK_BYTES:
        raise InvalidArgument("Task size too large")
    return task


@lru_cache
def encode_url(url: str) -> str:
    """Return the URL with invalid characters escaped.

    Raises InvalidArgument if it is not a URL, is too long, or is not on this machine.
    """
    if not url:
        raise InvalidArgument("HttpRequest.url is required.")
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument("HttpTarget.url must start with 'http://' or 'https://'.")
    url = quote(url, safe=_KEPT_IN_URLS)
    if len(url) > _MAX_URL_LENGTH:
        raise InvalidArgument(
            f"HttpRequest.url must be at most {_MAX_URL_LENGTH} characters long once encoded."
        )
    if not url.startswith("http://") or not _is_loopback(url):
        raise InvalidArgument(
            "HttpRequest.url must be http:// on this machine (127.0.0.1 or localhost): the local "
            "Cloud Tasks delivers nowhere else."
        )
    return url


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _complete_request(request: Any) -> None:
    request.url = encode_url(request.url)
    if not 0 <= request.http_method < len(METHODS):
        raise InvalidArgument("HttpRequest.http_method is unknown.")
    request.http_method = request.http_method or 1
    if request.body and METHODS[request.http_method] not in _METHODS_WITH_BODY:
        raise InvalidArgument("HttpRequest.body is only allowed with POST, PUT and PATCH.")
    _complete_headers(request)
    _check_authorization(request)


def _complete_headers(request: Any) -> None:
    check_header_size(request.headers.items())
    for key in list(request.headers):
        if is_replaced(key):
            del request.headers[key]
        else:
            check_header(key, request.headers[key])
    request.headers["User-Agent"] = USER_AGENT


def _check_authorization(request: Any) -> None:
    if request.HasField("oauth_token"):
        raise Unimplemented("The local Cloud Tasks has no OAuth tokens; use oidc_token.")
    if request.HasField("oidc_token") and "@" not in request.oidc_token.service_account_email:
        raise InvalidArgument("OidcToken.service_account_email must be an e-mail address.")


def _complete_times(task: Any) -> None:
    now = time.time()
    task.create_time.FromSeconds(int(now))
    scheduled = read_time(task.schedule_time, "Task.scheduleTime")
    if scheduled > now + _MAX_AHEAD.total_seconds():
        raise InvalidArgument(
            f"The Task.scheduleTime, {_show_time(scheduled)}, is too far in the future. "
            "Schedule time must be no more than 720h in the future."
        )
    if scheduled < now:
        task.schedule_time.FromMicroseconds(int(now * 1e6))


def _complete_deadline(task: Any) -> None:
    """Set the default deadline; as in the service, App Engine tasks have none."""
    of_app = task.HasField("app_engine_http_request")
    if not task.HasField("dispatch_deadline"):
        if not of_app:
            task.dispatch_deadline.FromTimedelta(DEFAULT_DEADLINE)
        return
    deadline = read_duration(task.dispatch_deadline, "Task.dispatchDeadline")
    longest, shown = (_MAX_APP_DEADLINE, "24h15s") if of_app else (_MAX_DEADLINE, "30m")
    if not _MIN_DEADLINE <= deadline <= longest:
        raise InvalidArgument(f"Task.dispatchDeadline must be between [15s, {shown}].")
    task.dispatch_deadline.FromMilliseconds(task.dispatch_deadline.ToMilliseconds())


def _show_time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
