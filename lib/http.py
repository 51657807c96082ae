"""The edge: an HTTP function made of a plain one."""

import functools
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import flask

from lib import clients
from lib.binding import compile_binding
from lib.config import config
from lib.deadline import within
from lib.errors import AmendsError, Malformed, MethodNotAllowed
from lib.logs import log, read_traceparent, traceparent
from lib.rendering import render_problem, render_result

#: How a caller shortens the time budget, in seconds; Google's own APIs know it by this name.
BUDGET_HEADER = "X-Server-Timeout"

View = Callable[[flask.Request], flask.Response]
Decorator = Callable[[Callable[..., Any]], View]


def endpoint(method: str, *, status: int = 200, guard: str = "") -> Decorator:
    """Make an HTTP function of a plain one; it answers `method` alone.

    `guard` names the setting that holds the one service account whose OIDC token is let in.
    Every error becomes problem+json. The plain function stays reachable as `__wrapped__`.
    """

    def decorate(function: Callable[..., Any]) -> View:
        bind = compile_binding(function)

        def answer(request: flask.Request) -> flask.Response:
            if request.method != method:
                raise MethodNotAllowed(f"this function answers {method}", allow=method)
            if guard:
                # Cloud Tasks and Cloud Scheduler bound these calls, and steps have time-outs.
                _check_caller(request, guard)
                return render_result(function(**bind(request)), status)
            with within(_budget_of(request)):
                return render_result(function(**bind(request)), status)

        @functools.wraps(function)
        def view(request: flask.Request) -> flask.Response:
            token = traceparent.set(read_traceparent(request.headers.get("traceparent", "")))
            try:
                return answer(request)
            except AmendsError as problem:
                return render_problem(problem)
            except Exception as problem:  # whatever it is, the caller learns no detail of it
                _log_unexpected(function.__name__, problem)
                return render_problem(AmendsError("something went wrong here; it was logged"))
            finally:
                traceparent.reset(token)

        return view

    return decorate


def _budget_of(request: flask.Request) -> timedelta:
    """Return the function's own time budget, or less if the caller says so in a header."""
    most = config().timeout
    header = request.headers.get(BUDGET_HEADER)
    if header is None:
        return most
    try:
        seconds = float(header)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise Malformed(f"{BUDGET_HEADER} is a number of seconds above 0", field=BUDGET_HEADER)
    return timedelta(seconds=min(seconds, most.total_seconds()))


def _check_caller(request: flask.Request, guard: str) -> None:
    settings = config()
    clients.verifier().verify(
        request.headers.get("Authorization"),
        audience=settings.base_url,
        email=getattr(settings, guard),
    )


def _log_unexpected(function: str, problem: Exception) -> None:
    stack = "".join(traceback.format_exception(problem))
    log("ERROR", "unexpected error", function=function, error=repr(problem), stack=stack)
