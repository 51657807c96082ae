"""Spans and metrics: sent if an exporter is configured, and free if not."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from lib.observability.telemetry import ENDPOINT
from local.stack.supervisor import PROJECT
from tests.support.edge import PARENT, TRACE

CALLS = f"""
import sys
from tests.support.edge import call, greet_person
call(greet_person, "ann", traceparent={PARENT!r})
call(greet_person, "bad-ann@example.com")
print([name for name in sys.modules if name.startswith("opentelemetry")], file=sys.stderr)
"""


class Collector:
    """Receives what is exported, like an OpenTelemetry collector."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        collector = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                collector.bodies[self.path].append(self.rfile.read(length))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(b) for b in self.bodies["/v1/traces"]]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> list[Any]:
        requests = [ExportMetricsServiceRequest.FromString(b) for b in self.bodies["/v1/metrics"]]
        return [
            metric
            for request in requests
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, args=(0.05,))
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


#: Long enough that a busy machine loses nothing.
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}


def run_calls(before: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", before + CALLS],
        cwd=PROJECT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )


def test_without_an_exporter_opentelemetry_is_not_even_imported() -> None:
    assert run_calls().stderr.strip() == "[]"


def test_each_request_is_a_span_of_its_callers_trace(collector: Collector) -> None:
    run_calls(**PATIENT, **{ENDPOINT: collector.url})
    first, second = collector.spans
    assert (first.name, first.trace_id.hex()) == ("greet-person", TRACE)
    assert first.parent_span_id.hex() == "00f067aa0ba902b7"
    assert second.trace_id.hex() != TRACE
    attributes = {each.key: each.value for each in first.attributes}
    assert attributes["amends.status"].int_value == 200
    assert attributes["amends.saga"].string_value == "s1"


def test_the_lines_of_a_request_name_the_span_that_is_exported(collector: Collector) -> None:
    printed = run_calls(**PATIENT, **{ENDPOINT: collector.url}).stdout
    for span in collector.spans:
        assert f'"logging.googleapis.com/spanId":"{span.span_id.hex()}"' in printed


def test_requests_are_counted_and_timed_by_function_and_status(collector: Collector) -> None:
    run_calls(**PATIENT, **{ENDPOINT: collector.url})
    points = [
        point
        for metric in collector.metrics
        if metric.name == "amends.request.duration"
        for point in metric.histogram.data_points
    ]
    statuses = {
        each.value.int_value
        for point in points
        for each in point.attributes
        if each.key == "status"
    }
    assert statuses == {200, 500}


def test_exported_data_quotes_nothing_that_a_caller_sent(collector: Collector) -> None:
    run_calls(**PATIENT, **{ENDPOINT: collector.url})
    exported = b"".join(body for bodies in collector.bodies.values() for body in bodies)
    assert exported
    assert b"ann@example.com" not in exported


def test_an_unreachable_exporter_does_not_fail_requests() -> None:
    done = run_calls(**{ENDPOINT: "http://127.0.0.1:9"})
    assert done.stdout.count('"message":"request"') == 2


def test_an_image_without_the_exporter_says_so_once_and_answers() -> None:
    missing = "import sys; sys.modules['opentelemetry.sdk.trace'] = None\n"
    printed = run_calls(missing, **{ENDPOINT: "http://127.0.0.1:9"}).stdout
    assert printed.count("without requirements-telemetry.txt") == 1
    assert printed.count('"message":"request"') == 2
