"""The headers that a task or queue may set."""

from collections.abc import Iterable

from local.rpc.errors import InvalidArgument

_MAX_HEADER_BYTES = 80 * 1024
_REPLACED_HEADERS = {"host", "content-length", "user-agent", "transfer-encoding", "connection"}
_RESERVED_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-")


def is_replaced(header: str) -> bool:
    """Tell whether the service always sets this header itself."""
    name = header.lower()
    return name in _REPLACED_HEADERS or name.startswith(_RESERVED_PREFIXES)


def check_header(key: str, value: str) -> None:
    """Raise InvalidArgument for a header that is invalid in HTTP."""
    if not key or not all("!" <= c <= "~" and c != ":" for c in key):
        raise InvalidArgument(f"A header has an invalid name: {key[:80]!r}")
    if not all(c == "\t" or " " <= c <= "\xff" for c in value):
        raise InvalidArgument(f"The header {key[:80]!r} has an invalid value.")


def check_header_size(headers: Iterable[tuple[str, str]]) -> None:
    """Raise InvalidArgument for headers of 80 KB or more."""
    if sum(len(key) + len(value) for key, value in headers) >= _MAX_HEADER_BYTES:
        raise InvalidArgument("The headers must be less than 80 KB.")
