"""The edge: an HTTP function made of a plain one."""

import functools
import traceback
from collections.abc import Callable
from typing import Any

import flask

from lib import clients
from lib.binding import compile_binding
from lib.config import config
from lib.errors import AmendsError, MethodNotAllowed
from lib.logs import log, traceparent
from lib.rendering import render_problem, render_result

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
                _check_caller(request, guard)
            return render_result(function(**bind(request)), status)

        @functools.wraps(function)
        def view(request: flask.Request) -> flask.Response:
            token = traceparent.set(request.headers.get("traceparent", ""))
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
