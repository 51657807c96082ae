"""A request, and its answer as the caller needs it."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

_LENGTH = re.compile(rb"[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: an http URL and the parts of the request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or 0 and the failure; `retry_after` is the header in seconds."""

    status: int
    failure: str = ""
    timed_out: bool = False
    retry_after: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Tell whether the status is one of 200 to 299."""
        return 200 <= self.status <= 299


def list_headers(request: Request, url: SplitResult) -> list[tuple[str, str]]:
    """Return the headers that are sent."""
    headers = [("Host", url.netloc.rpartition("@")[2]), ("Accept", "*/*")]
    headers += request.headers.items()
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(request.body))))
    return headers


def target_of(url: SplitResult) -> str:
    """Return what the request line says of a URL."""
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def read_retry_after(header: bytes | None) -> float:
    """Return a time to wait in seconds, none for what is no such header."""
    if header is None:
        return 0.0
    if _LENGTH.fullmatch(header):
        return float(header)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(header.decode("latin-1"))
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0
