"""Turns error answers of functions-framework and gunicorn into problem details."""

from contextlib import suppress
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import HTTPException

from lib.edge.response.problems import CONTENT_TYPE, describe_problem, render_problem
from lib.errors import AmendsError


def adopt_app() -> None:
    """Make the server, and the app that is being created, answer with problem details.

    functions-framework loads a function in the context of its app, which is the only access to it.
    """
    if not flask.has_app_context():
        return
    flask.current_app.register_error_handler(HTTPException, _render)
    with suppress(ImportError):
        from gunicorn import util

        # gunicorn has no setting for this. It writes such an answer only if it cannot parse the
        # request line or a header.
        util.write_error = _write_error


def _render(refused: HTTPException) -> flask.Response:
    return render_problem(_problem_of(refused.code or 500, refused.name))


def _write_error(sock: Any, status: int, reason: str, _: str) -> None:
    body = msgspec.json.encode(describe_problem(_problem_of(status, reason)))
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode("latin-1") + body)


def _problem_of(status: int, reason: str) -> AmendsError:
    """Return an error without the server's own text, which may quote the caller's data."""
    problem = AmendsError(f"the server refused this request: {reason}")
    problem.status, problem.code = status, reason.lower().replace(" ", "-")
    return problem
