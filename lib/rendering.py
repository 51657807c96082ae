"""From a function's result, or from its error, to a response."""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import flask
import msgspec

from lib.errors import AmendsError, MethodNotAllowed


@dataclass(frozen=True, slots=True)
class Reply:
    """A result with a status or headers of its own."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def render_result(result: Any, status: int) -> flask.Response:
    """Return a result as JSON; nothing is 204, and an entity's version is its ETag."""
    reply = result if isinstance(result, Reply) else Reply(result, status)
    if reply.value is None:
        return flask.Response(b"", 204, headers=reply.headers)
    body = msgspec.json.encode(_to_plain(reply.value))
    answer = flask.Response(
        body, reply.status, headers=reply.headers, content_type="application/json"
    )
    version = getattr(reply.value, "version", 0)
    if version:
        answer.headers["ETag"] = f'"{version}"'
    return answer


def render_problem(problem: AmendsError) -> flask.Response:
    """Return an error as RFC 9457 problem details."""
    body = {
        "type": f"urn:amends:problem:{problem.code}",
        "title": problem.code.replace("-", " ").capitalize(),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.field is not None:
        body["field"] = problem.field
    # As an iterator, since functions-framework reads the whole rest of the request, however
    # large, before it sends an answer that is not a stream.
    answer = flask.Response(
        iter([msgspec.json.encode(body)]), problem.status, content_type="application/problem+json"
    )
    if isinstance(problem, MethodNotAllowed):
        answer.headers["Allow"] = problem.allow
    if problem.retry_after is not None:
        seconds = max(1, round(problem.retry_after.total_seconds()))
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _to_plain(value: Any) -> Any:
    """Return dataclasses as their public fields; what an entity does not know stays inside."""
    if is_dataclass(value) and not isinstance(value, type):
        names = (each.name for each in fields(value) if not each.name.startswith("_"))
        return {name: _to_plain(getattr(value, name)) for name in names}
    if isinstance(value, list | tuple):
        return [_to_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _to_plain(each) for name, each in value.items()}
    return value
