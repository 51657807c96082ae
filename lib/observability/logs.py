"""Structured logs: one JSON line per event, with the fields that Cloud Logging recognizes.

Never log a payload: each line's fields are named explicitly.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from lib.config import config

#: The `traceparent` (W3C Trace Context) of the current request, if it has one.
traceparent: ContextVar[str] = ContextVar("traceparent", default="")

#: Fields of every line of a request, such as its function and its saga; None outside a request.
_context: ContextVar[dict[str, Any] | None] = ContextVar("context", default=None)

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def read_traceparent(header: str) -> str:
    """Return a `traceparent` header if it is well-formed, otherwise "", because it is stored."""
    return header if _TRACEPARENT.fullmatch(header) else ""


def make_traceparent() -> str:
    """Return the `traceparent` of a new trace."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def trace_id() -> str:
    """Return the trace id of this request, "" outside a request."""
    return traceparent.get()[3:35]


@contextmanager
def request_context(trace: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Add a trace and fields to every line that is logged inside; yield the fields."""
    carried = dict(fields)
    trace_token, token = traceparent.set(trace), _context.set(carried)
    try:
        yield carried
    finally:
        _context.reset(token)
        traceparent.reset(trace_token)


def annotate(**fields: Any) -> None:
    """Add fields to every later line of this request, including those of threads it starts."""
    carried = _context.get()
    if carried is not None:
        carried.update(fields)


def log(severity: str, message: str, **fields: Any) -> bool:
    """Write one line to standard output; `severity` is one of Cloud Logging's names.

    The request's own fields are added; fields given here override them. Returns whether the line
    was written, and never raises because of a full disk: a request must not fail for that.
    """
    line = {"severity": severity, "message": message, "time": datetime.now(UTC).isoformat()}
    if environment := config().environment:
        line["environment"] = environment
    if traceparent.get():
        _, trace, span, _ = traceparent.get().split("-")
        line |= {
            "logging.googleapis.com/trace": f"projects/{config().project}/traces/{trace}",
            "logging.googleapis.com/spanId": span,
        }
    line |= (_context.get() or {}) | fields
    try:
        sys.stdout.write(_encode(line) + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _encode(line: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(line, enc_hook=str).decode()
    except (ValueError, TypeError, RecursionError):
        # For example an unpaired surrogate, as file names may have.
        return msgspec.json.encode({name: _as_text(each) for name, each in line.items()}).decode()


def _as_text(value: object) -> str:
    return value.encode(errors="replace").decode() if type(value) is str else ascii(value)
