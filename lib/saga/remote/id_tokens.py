"""OIDC tokens that identify the caller to another service, cached until shortly before they expire.

Before the first token is needed, nothing is fetched and google-auth is not imported.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from lib.timing.clock import now

#: The metadata server returns the same token until four minutes before it expires, so fetching
#: earlier does not help.
MARGIN = timedelta(minutes=3, seconds=45)

#: The time limit of one request to the metadata server; google-auth itself waits up to 120 s.
MAX_FETCH = timedelta(seconds=5)

#: Audience -> a token for it, and the time when it expires.
Fetch = Callable[[str], tuple[str, datetime]]


class _Kept(NamedTuple):
    """A token, when it expires by the clock, and when by the monotonic clock."""

    token: str
    end: datetime
    until: float


class IdTokens:
    """A token source: called with an audience, it returns a token that is valid for some minutes.

    Raises what `fetch` raises. Threads that need the same token share one fetch of it.
    """

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], datetime] = now,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._elapsed = elapsed
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def __call__(self, audience: str) -> str:
        """Return a token for an audience."""
        with self._lock:
            kept = self._kept.get(audience)
            if kept is None or self._is_over(kept):
                token, end = self._fetch(audience)
                lasts = (end - MARGIN - self._clock()).total_seconds()
                kept = self._kept[audience] = _Kept(token, end, self._elapsed() + lasts)
            return kept.token

    def _is_over(self, kept: "_Kept") -> bool:
        """Return whether a token expires soon, by the clock or by the monotonic clock.

        The clock alone would keep a token too long if it was set back.
        """
        return self._clock() >= kept.end - MARGIN or self._elapsed() >= kept.until


def fetch_id_token(audience: str) -> tuple[str, datetime]:
    """Return a new token of the service account that this process runs as, and when it expires.

    It comes from the metadata server, or from GOOGLE_APPLICATION_CREDENTIALS. Raises google-auth's
    errors if neither is available.
    """
    from google.auth.transport.requests import Request
    from google.oauth2.id_token import fetch_id_token_credentials

    request = partial(Request(), timeout=MAX_FETCH.total_seconds())
    credentials = fetch_id_token_credentials(audience, request=request)  # type: ignore[no-untyped-call]
    credentials.refresh(request)
    return credentials.token, credentials.expiry.replace(tzinfo=UTC)


#: The tokens of this process.
ID_TOKENS = IdTokens(fetch_id_token)
