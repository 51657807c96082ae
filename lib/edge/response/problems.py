"""Errors as responses: problem details (RFC 9457)."""

from typing import Any

import flask
import msgspec

from lib.errors import AmendsError, FieldError, Invalid, MethodNotAllowed, Unauthenticated
from lib.observability.logs import trace_id

CONTENT_TYPE = "application/problem+json"


def render_problem(problem: AmendsError) -> flask.Response:
    """Return an error as problem details, with the trace id of its log line."""
    # An iterator, because functions-framework reads the rest of the request, however large,
    # before it sends a response that is not a stream.
    body = msgspec.json.encode(describe_problem(problem)) + b"\n"
    answer = flask.Response(iter([body]), problem.status, content_type=CONTENT_TYPE)
    answer.content_length = len(body)
    if isinstance(problem, MethodNotAllowed):
        answer.headers["Allow"] = problem.allow
    if isinstance(problem, Unauthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="amends"'
    if problem.retry_after is not None:
        seconds = max(1, round(problem.retry_after.total_seconds()))
        answer.headers["Retry-After"] = str(seconds)
    return answer


def describe_problem(problem: AmendsError) -> dict[str, Any]:
    """Return the members of an error's problem details."""
    body = {
        "type": f"urn:amends:problem:{problem.code}",
        "title": problem.code.replace("-", " ").capitalize(),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.field is not None:
        body["field"] = problem.field
    if isinstance(problem, Invalid) and problem.faults:
        body["errors"] = [_describe_fault(fault) for fault in problem.faults]
    if trace_id():
        body["trace"] = trace_id()
    return body


def _describe_fault(fault: FieldError) -> dict[str, Any]:
    described = {"pointer": fault.pointer, "field": fault.field, "detail": fault.detail}
    return described | ({"allowed": fault.allowed} if fault.allowed is not None else {})
