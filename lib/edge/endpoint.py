"""Turns a plain function into an HTTP function."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import flask

from lib.config import config
from lib.edge.caller.access import (
    MACHINERY,
    VerifierOf,
    check_host,
    check_invoker,
    check_origin,
    identify_caller,
)
from lib.edge.request.body import drain
from lib.edge.request.parameters import Binding, Collaborators, compile_binding
from lib.edge.response.problems import render_problem
from lib.edge.response.reply import render_result
from lib.errors import AmendsError, Malformed, MethodNotAllowed, NotBegun
from lib.observability.logs import log
from lib.observability.request_log import log_request
from lib.observability.stack_traces import describe_stack
from lib.observability.unexpected import log_unexpected
from lib.timing.deadline import BUDGET_HEADER, within

#: The answer to an unexpected error.
UNEXPECTED = AmendsError("an unexpected error occurred; it was logged")

View = Callable[[flask.Request], flask.Response]
Decorator = Callable[[Callable[..., Any]], View]


class Edge:
    """Turns plain functions into HTTP functions, and passes collaborators by parameter name.

    When a request first needs one, `verifier` makes the verifier of tokens, and the function of a
    collaborator makes it. Those in `of_request` are made for each request. A parameter `caller`
    gets the name in the request's token.
    """

    def __init__(
        self,
        verifier: VerifierOf,
        of_request: Collaborators | None = None,
        **collaborators: Callable[[], Any],
    ) -> None:
        self._verifier = verifier
        makers = {name: _ignore_request(make) for name, make in collaborators.items()}
        self._makers = {**makers, **(of_request or {})}
        self._makers["caller"] = lambda request: identify_caller(request, verifier)

    def endpoint(self, method: str, *, status: int = 200, invoker: str = "caller") -> Decorator:
        """Turn a plain function into an HTTP function that answers only `method`.

        `invoker` says who may call it: one of INVOKERS in lib.edge.caller.access, the same as
        in main.py's table. Every error becomes problem+json. The plain function remains available
        as `__wrapped__`.
        """

        def decorate(function: Callable[..., Any]) -> View:
            bind = compile_binding(function, self._makers)
            operation = _Operation(function, bind, method, status, invoker, self._verifier)

            @functools.wraps(function)
            def view(request: flask.Request) -> flask.Response:
                with log_request(function.__name__.replace("_", "-"), request) as end:
                    response = operation.answer(request)
                    end.status = response.status_code
                return response

            # A test compares these with the table in main.py.
            vars(view).update(method=method, invoker=invoker)
            return view

        return decorate


def _ignore_request(make: Callable[[], Any]) -> Callable[[flask.Request], Any]:
    return lambda _: make()


class _Operation(NamedTuple):
    """A plain function, and how to call it."""

    function: Callable[..., Any]
    bind: Binding
    method: str
    status: int
    invoker: str
    verifier: VerifierOf

    def answer(self, request: flask.Request) -> flask.Response:
        try:
            return self._answer(request)
        except AmendsError as problem:
            return _refuse(request, problem)
        except Exception as problem:  # the caller gets no details of an unexpected error
            log_unexpected(problem)
            return _refuse(request, UNEXPECTED)

    def _answer(self, request: flask.Request) -> flask.Response:
        allowed = [self.method, *(["HEAD"] if self.method == "GET" else []), "OPTIONS"]
        check_host(request)
        if request.method == "OPTIONS":
            return flask.Response(b"", 204, headers={"Allow": ", ".join(allowed)})
        if request.method not in allowed:
            raise MethodNotAllowed(f"this function answers {self.method}", allow=", ".join(allowed))
        if self.method != "GET":
            check_origin(request)
        if self.invoker in MACHINERY:
            with _not_begun():
                check_invoker(request, self.invoker, self.verifier)
                arguments = self.bind(request)
            # No time budget: Cloud Tasks, Cloud Scheduler and the steps have timeouts.
            return render_result(self.function(**arguments), self.status)
        check_invoker(request, self.invoker, self.verifier)
        with within(_budget_of(request)):
            return render_result(self.function(**self.bind(request)), self.status)


@contextmanager
def _not_begun() -> Iterator[None]:
    """Raise NotBegun if a call fails with a server error before its function has begun.

    After any other 5xx, the engine would assume that the step may have run.
    """
    try:
        yield
    except AmendsError as problem:
        if problem.status < 500:
            raise
        raise NotBegun(problem.detail) from problem
    except Exception as problem:  # for example a missing setting
        log_unexpected(problem)
        raise NotBegun("an error occurred before the function; it was logged") from problem


def _budget_of(request: flask.Request) -> timedelta:
    """Return the function's time budget, or a shorter one that the caller sets in a header."""
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


def _refuse(request: flask.Request, problem: AmendsError) -> flask.Response:
    passes = problem.retry_after is not None
    if (problem.status >= 500 or passes) and problem is not UNEXPECTED:
        # These texts are written in this code. Texts of other errors may quote the caller's data.
        log(
            "ERROR" if problem.status == 500 else "WARNING",
            f"answered {problem.status}: {problem}",
            error=problem.code,
            stack=describe_stack(problem),
        )
    drain(request)
    return render_problem(problem)
