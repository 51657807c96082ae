"""What a read sees: the current state, or a transaction's snapshot."""

from typing import Any, Protocol

from lib.datastore.rpc.service import READ_CODES


class ReadOptions(Protocol):
    """Marks the requests of a read."""

    #: The gRPC statuses after which the same read may simply be sent again.
    codes: frozenset[str]

    def mark(self, request: Any) -> None:
        """Fill in the read options of a request."""
        ...


class StrongReads:
    """Strongly consistent reads outside of transactions."""

    codes = READ_CODES

    def mark(self, request: Any) -> None:
        """Leave the options unset: that is strong consistency."""


STRONG = StrongReads()
