"""Who calls: OIDC tokens, verified by one code whether Google or the local Cloud Tasks signed."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from google.auth import jwt

from lib.errors import Forbidden, Unauthenticated, Unavailable

ISSUERS = ("https://accounts.google.com", "accounts.google.com")

#: Google rotates its keys about daily and says to cache them; an unknown key id is asked for
#: at once, but not more often than this (seconds).
CERTS_MAX_AGE = 3600.0
CERTS_MIN_AGE = 5.0


class Verifier:
    """Verifies tokens of one issuer's keys, which it fetches on first use and keeps."""

    def __init__(self, certs_url: str) -> None:
        self._certs_url = certs_url
        self._certs: Mapping[str, str] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, authorization: str | None, *, audience: str, email: str) -> None:
        """Return when the bearer token is valid, for `audience`, and of service account `email`.

        Raises Unauthenticated for a missing or invalid token, Forbidden for another identity's.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("this function wants an OIDC token: Authorization: Bearer ...")
        claims = self._claims(token, audience)
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("the token is of another issuer")
        if not email or claims.get("email") != email or claims.get("email_verified") is not True:
            raise Forbidden("the token's service account may not call this function")

    def _claims(self, token: str, audience: str) -> Mapping[str, Any]:
        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs=self._certs_for(str(header.get("kid"))), audience=audience
            )
        except Unavailable:
            raise
        except Exception as problem:  # hostile tokens fail in many ways, all of them a no
            raise Unauthenticated(f"the token does not verify: {problem}") from None
        return claims

    def _certs_for(self, key_id: str) -> Mapping[str, str]:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > CERTS_MAX_AGE or (key_id not in self._certs and age > CERTS_MIN_AGE):
                self._certs = _fetch_certs(self._certs_url)
                self._fetched_at = time.monotonic()
            return self._certs


def _fetch_certs(url: str) -> Mapping[str, str]:
    try:
        answer = requests.get(url, timeout=5)
        answer.raise_for_status()
        certs: Mapping[str, str] = answer.json()
    except (requests.RequestException, json.JSONDecodeError) as problem:
        raise Unavailable(f"the certificates at {url} cannot be read: {problem}") from problem
    return certs
