"""Structured logs: one JSON line an event, with the fields that Cloud Logging knows.

Never a payload: what goes into a line is named one by one.
"""

import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

#: The `traceparent` header (W3C Trace Context) of the request that this code runs under.
traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def log(severity: str, message: str, **fields: Any) -> None:
    """Write one line to standard output; `severity` is one of Cloud Logging's names."""
    line = {"severity": severity, "message": message, "time": datetime.now(UTC).isoformat()}
    trace = traceparent.get().split("-")
    if len(trace) == 4:
        line |= {
            "logging.googleapis.com/trace": trace[1],
            "logging.googleapis.com/spanId": trace[2],
        }
    sys.stdout.write(msgspec.json.encode(line | fields, enc_hook=str).decode() + "\n")
    sys.stdout.flush()
