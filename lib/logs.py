"""Structured logs: one JSON line an event, with the fields that Cloud Logging knows.

Never a payload: what goes into a line is named one by one.
"""

import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from lib.config import config

#: The `traceparent` (W3C Trace Context) of the request that this code runs under, if it has one.
traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def read_traceparent(header: str) -> str:
    """Return a `traceparent` header if it is well-formed, else nothing: it is stored and logged."""
    return header if _TRACEPARENT.fullmatch(header) else ""


def log(severity: str, message: str, **fields: Any) -> None:
    """Write one line to standard output; `severity` is one of Cloud Logging's names."""
    line = {"severity": severity, "message": message, "time": datetime.now(UTC).isoformat()}
    if traceparent.get():
        _, trace, span, _ = traceparent.get().split("-")
        line |= {
            "logging.googleapis.com/trace": f"projects/{config().project}/traces/{trace}",
            "logging.googleapis.com/spanId": span,
        }
    sys.stdout.write(msgspec.json.encode(line | fields, enc_hook=str).decode() + "\n")
    sys.stdout.flush()
