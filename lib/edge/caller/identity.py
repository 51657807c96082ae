"""Verifies OIDC tokens of Google and of the local Cloud Tasks."""

import json
import re
import threading
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import requests
from google.auth import jwt

from lib.edge.caller.credentials import ANONYMOUS, NAMELESS, REMOVED
from lib.errors import Forbidden, Unauthenticated, Unavailable

ISSUERS = ("https://accounts.google.com", "accounts.google.com")

#: Google rotates its keys about daily and asks clients to cache them. They are fetched again if
#: they are older than the first limit, or, for an unknown key id, older than the second.
MAX_CERTS_AGE = timedelta(hours=1)
MIN_CERTS_AGE = timedelta(seconds=5)

#: Clocks differ: without this tolerance, a new token could be refused for a moment.
MAX_CLOCK_SKEW = timedelta(seconds=10)

#: The maximum number of verified tokens in the cache; when it is full, it is cleared.
MAX_TOKENS = 100

#: The audience of a person's `gcloud auth print-identity-token`: gcloud's own client id. Cloud Run
#: accepts such a token, so behind IAM it identifies the person; elsewhere it proves nothing.
GCLOUD_AUDIENCE = "32555940559.apps.googleusercontent.com"

#: Three parts in base64url; only the signature may be empty. Two headers with the same name arrive
#: joined by a comma, and do not match.
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


class Verifier:
    """Verifies tokens with one issuer's keys, which it fetches on first use and caches.

    With `behind_iam`, IAM has verified every token before the call arrives, so this accepts a token
    whose signature Cloud Run has removed. Without IAM anybody could forge one.
    """

    def __init__(self, certs_url: str, *, behind_iam: bool = False) -> None:
        self._certs_url = certs_url
        self._behind_iam = behind_iam
        self._certs: Mapping[str, str] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()
        self._verified_before: dict[str, Mapping[str, Any]] = {}

    def verify(
        self, authorization: str | None, *, audience: str | Collection[str], email: str
    ) -> None:
        """Check that the bearer token is valid, for an `audience`, and issued to account `email`.

        Raises Unauthenticated for a missing or invalid token, Forbidden for another identity.
        """
        claims = self._claims(_token_of(authorization), _listed(audience))
        if not email or _email_in(claims) != email:
            raise Forbidden("the token's service account may not call this function")

    def identify(self, authorization: str | None, *, audience: str | Collection[str]) -> str:
        """Return the caller's e-mail address for the audit trail; ANONYMOUS if there is no token.

        If the token has no verified address, return its subject, such as `subject:117`.

        Raises Unauthenticated for a token that is invalid or for another audience, and behind IAM
        for a missing one, because IAM does not admit such a call.
        """
        if authorization is None and not self._behind_iam:
            return ANONYMOUS
        accepted = _listed(audience) | ({GCLOUD_AUDIENCE} if self._behind_iam else set())
        claims = self._claims(_token_of(authorization), accepted)
        subject = claims.get("sub")
        return _email_in(claims) or (f"{NAMELESS}{subject}" if subject else ANONYMOUS)

    def _claims(self, token: str, audiences: Collection[str]) -> Mapping[str, Any]:
        removed = token.endswith(f".{REMOVED}")
        claims = self._believed(token) if removed else self._verified(token)
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("the token is from another issuer")
        if str(claims.get("aud")) not in audiences:
            raise Unauthenticated("the token is for another audience")
        return claims

    def _verified(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token; cached, because Google sends one token with many calls."""
        known = self._verified_before.get(token)
        if known is not None and float(known["exp"]) > time.time():
            return known
        claims = self._decoded(token)
        if len(self._verified_before) >= MAX_TOKENS:
            self._verified_before.clear()
        self._verified_before[token] = claims
        return claims

    def _decoded(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token,
                certs=self._certs_for(str(header.get("kid"))),
                clock_skew_in_seconds=round(MAX_CLOCK_SKEW.total_seconds()),
            )
        except Unavailable:
            raise
        except Exception as problem:  # hostile tokens fail in many ways; all are refused
            raise Unauthenticated(f"the token is not valid: {str(problem)[:200]}") from None
        return claims

    def _believed(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token that IAM has verified before the call arrived."""
        if not self._behind_iam:
            raise Unauthenticated("the token has no signature: should AMENDS_BEHIND_IAM be set?")
        try:
            claims: Mapping[str, Any] = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
            lasts = float(claims["exp"]) > time.time()
        except Exception as problem:  # hostile tokens fail in many ways; all are refused
            raise Unauthenticated(f"the token cannot be read: {problem}") from None
        if not lasts:
            raise Unauthenticated("the token has expired")
        return claims

    def _certs_for(self, key_id: str) -> Mapping[str, str]:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            limit = MAX_CERTS_AGE if key_id in self._certs else MIN_CERTS_AGE
            if age > limit.total_seconds():
                self._certs = _fetch_certs(self._certs_url)
                self._fetched_at = time.monotonic()
            return self._certs


def _token_of(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        raise Unauthenticated("this function needs one OIDC token: Authorization: Bearer ...")
    return token


def _listed(audience: str | Collection[str]) -> set[str]:
    return {audience} if isinstance(audience, str) else set(audience)


def _email_in(claims: Mapping[str, Any]) -> str:
    """Return the token's e-mail address if Google has verified it, otherwise ""."""
    verified = claims.get("email_verified") is True
    return str(claims.get("email") or "") if verified else ""


def _fetch_certs(url: str) -> Mapping[str, str]:
    try:
        answer = requests.get(url, timeout=5)
        answer.raise_for_status()
        certs: Mapping[str, str] = answer.json()
    except (requests.RequestException, json.JSONDecodeError) as problem:
        raise Unavailable(
            "the certificates for verifying tokens cannot be read",
            internal=f"{url}: {problem}",
        ) from problem
    return certs
