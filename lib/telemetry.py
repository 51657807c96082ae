"""OpenTelemetry, where an exporter is configured; where none is, none of it is imported."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lib.logs import log

if TYPE_CHECKING:
    from lib.exporting import Exporter

#: The variable by which OpenTelemetry itself is told where to send what it has.
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(slots=True)
class Span:
    """A request's span: its own `traceparent` if it is exported, and what it ends with."""

    traceparent: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def span(name: str, parent: str) -> Iterator[Span]:
    """Record what the block does as a span under `parent`, a `traceparent` or nothing."""
    exporter = _exporter()
    if exporter is None:
        yield Span()
        return
    with exporter.span(name, parent) as recorded:
        yield recorded


@cache
def _exporter() -> "Exporter | None":
    """Return this process's exporter: made on first use, for its thread would die in a fork."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from lib.exporting import Exporter
    except ImportError:
        log(
            "ERROR",
            f"{ENDPOINT} is set, but this image was built without requirements-telemetry.txt",
        )
        return None
    return Exporter()
