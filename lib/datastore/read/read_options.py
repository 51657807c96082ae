"""The options of a read: of the current state, or of a transaction's snapshot."""

from typing import Any, Protocol

from lib.datastore.rpc.service import READ_CODES


class ReadOptions(Protocol):
    """Sets the options of a read's requests."""

    #: The gRPC statuses after which the same request may be sent again.
    codes: frozenset[str]

    def mark(self, request: Any) -> None:
        """Set the read options of a request."""
        ...


class StrongReads:
    """Strongly consistent reads outside transactions."""

    codes = READ_CODES

    def mark(self, request: Any) -> None:
        """Leave the options unset, which means strong consistency."""


STRONG = StrongReads()
