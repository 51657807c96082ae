"""OpenTelemetry, imported only if an exporter is configured."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from lib.observability.logs import log
from lib.observability.span import Span

if TYPE_CHECKING:
    from lib.observability.otlp import Exporter

#: OpenTelemetry's own variable for the address of the collector.
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@contextmanager
def span(name: str, parent: str) -> Iterator[Span]:
    """Record the block as a span under `parent`, a `traceparent` or ""."""
    exporter = _exporter()
    if exporter is None:
        yield Span()
        return
    with exporter.span(name, parent) as recorded:
        yield recorded


@cache
def _exporter() -> "Exporter | None":
    """Return this process's exporter, made on first use: its thread would not survive a fork."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from lib.observability.otlp import Exporter
    except ImportError:
        log(
            "ERROR",
            f"{ENDPOINT} is set, but this image was built without requirements-telemetry.txt",
        )
        return None
    return Exporter()
