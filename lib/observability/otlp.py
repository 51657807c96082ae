"""Sends spans and metrics to an OTLP endpoint; imported only if one is configured.

Cloud Run gives an instance no CPU between requests, so a request's spans and metrics are sent
before it ends.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from lib.observability.span import Span

#: The maximum wait of a request for the export of its span, and of its metrics, unless
#: OpenTelemetry's own variable sets another.
MAX_WAIT = timedelta(seconds=1)
MAX_WAIT_VARIABLE = "OTEL_EXPORTER_OTLP_TIMEOUT"


class Exporter:
    """Sends a span for every request, and counts and times the requests."""

    def __init__(self) -> None:
        patience = float(os.environ.get(MAX_WAIT_VARIABLE, MAX_WAIT.total_seconds()))
        resource = Resource.create({"service.name": os.environ.get("K_SERVICE", "amends")})
        self._traces = TracerProvider(resource=resource)
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=patience)))
        self._tracer = self._traces.get_tracer("amends")
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=patience))
        self._meters = MeterProvider(resource=resource, metric_readers=[reader])
        self._durations = self._meters.get_meter("amends").create_histogram(
            "amends.request.duration", unit="ms", description="from a request to its answer"
        )

    @contextmanager
    def span(self, name: str, parent: str) -> Iterator[Span]:
        """Record the block as a span, with the fields that it sets; then export it."""
        with self._tracer.start_as_current_span(
            name, context=_context_of(parent), kind=SpanKind.SERVER, record_exception=False
        ) as recorded:
            own = recorded.get_span_context()
            span = Span(
                f"00-{format_trace_id(own.trace_id)}-{format_span_id(own.span_id)}"
                f"-{own.trace_flags:02x}"
            )
            yield span
            recorded.set_attributes(_attributes_of(span.fields))
        self._measure(span.fields)

    def _measure(self, fields: Mapping[str, Any]) -> None:
        labels = {name: fields[name] for name in ("function", "method", "status")}
        self._durations.record(fields["duration_ms"], labels)
        self._traces.force_flush()
        self._meters.force_flush()


def _context_of(parent: str) -> Context:
    return TraceContextTextMapPropagator().extract({"traceparent": parent}, Context())


def _attributes_of(fields: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Return fields as attributes; values other than numbers and booleans become text."""
    return {
        f"amends.{name}": value if isinstance(value, int | float | bool) else str(value)
        for name, value in fields.items()
    }
