"""A request, and the parts of its response that the caller needs."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

_LENGTH = re.compile(rb"[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an http URL."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A response's status, or 0 and the failure; `retry_after` is the header in seconds."""

    status: int
    failure: str = ""
    timed_out: bool = False
    retry_after: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether the status is from 200 to 299."""
        return 200 <= self.status <= 299


def list_headers(request: Request, url: SplitResult) -> list[tuple[str, str]]:
    """Return all headers to send."""
    headers = [("Host", url.netloc.rpartition("@")[2]), ("Accept", "*/*")]
    headers += request.headers.items()
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(request.body))))
    return headers


def target_of(url: SplitResult) -> str:
    """Return the request target: path and query of a URL."""
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def read_retry_after(header: bytes | None) -> float:
    """Return the seconds to wait by a Retry-After header; 0 if it is missing or invalid."""
    if header is None:
        return 0.0
    if _LENGTH.fullmatch(header):
        return float(header)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        at = parsedate_to_datetime(header.decode("latin-1"))
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0
