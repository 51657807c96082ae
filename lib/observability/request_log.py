"""Logs each request, and records a span if an exporter is configured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import flask

from lib.observability import telemetry
from lib.observability.logs import log, make_traceparent, read_traceparent, request_context


class RequestEnd:
    """The status of a request's response; 500 until it is known."""

    def __init__(self) -> None:
        self.status = 500


@contextmanager
def log_request(function: str, request: flask.Request) -> Iterator[RequestEnd]:
    """Log a request of a function (its deployed name) when the block ends.

    The trace is continued from the caller's `traceparent`, or begun here.
    """
    end, started = RequestEnd(), time.perf_counter()
    parent = read_traceparent(request.headers.get("traceparent", ""))
    with telemetry.span(function, parent) as span:
        trace = span.traceparent or parent or make_traceparent()
        with request_context(trace, function=function) as fields:
            try:
                yield end
            finally:
                fields |= {
                    "method": request.method,
                    "status": end.status,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                }
                span.fields = fields
                log("WARNING" if end.status >= 500 else "INFO", "request")
