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


#: What Cloud Run puts in the place of a token's signature once IAM has verified it
#: (Cloud Run's troubleshooting guide, "signature removed").
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"

#: Who calls without a token: on a laptop, or where the deployment lets everybody in.
ANONYMOUS = "anonymous"


class Verifier:
    """Verifies tokens of one issuer's keys, which it fetches on first use and keeps.

    `behind_iam` says that IAM lets nobody in whose token it has not verified: only then is a
    token believed whose signature Cloud Run has removed. Anybody could write one otherwise.
    """

    def __init__(self, certs_url: str, *, behind_iam: bool = False) -> None:
        self._certs_url = certs_url
        self._behind_iam = behind_iam
        self._certs: Mapping[str, str] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, authorization: str | None, *, audience: str, email: str) -> None:
        """Return when the bearer token is valid, for `audience`, and of service account `email`.

        Raises Unauthenticated for a missing or invalid token, Forbidden for another identity's.
        """
        claims = self._claims(_token_of(authorization), audience)
        if not email or claims.get("email") != email or claims.get("email_verified") is not True:
            raise Forbidden("the token's service account may not call this function")

    def identify(self, authorization: str | None, *, audience: str) -> str:
        """Return the e-mail address of whoever calls, for an audit trail; ANONYMOUS has no token.

        Raises Unauthenticated for a token that does not verify. Behind IAM the audience is not
        looked at: IAM has let a person's token in, which is for gcloud and not for us.
        """
        if authorization is None:
            return ANONYMOUS
        claims = self._claims(_token_of(authorization), audience, any_audience=self._behind_iam)
        return str(claims.get("email") or claims.get("sub") or ANONYMOUS)

    def _claims(
        self, token: str, audience: str, *, any_audience: bool = False
    ) -> Mapping[str, Any]:
        claims = self._verified(token, audience, any_audience)
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated("the token is of another issuer")
        return claims

    def _verified(self, token: str, audience: str, any_audience: bool) -> Mapping[str, Any]:
        if token.endswith(f".{REMOVED}"):
            return self._believed(token, audience, any_audience)
        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token,
                certs=self._certs_for(str(header.get("kid"))),
                audience=None if any_audience else audience,
            )
        except Unavailable:
            raise
        except Exception as problem:  # hostile tokens fail in many ways, all of them a no
            raise Unauthenticated(f"the token does not verify: {problem}") from None
        return claims

    def _believed(self, token: str, audience: str, any_audience: bool) -> Mapping[str, Any]:
        """Return the claims of a token that IAM has verified before it got here."""
        if not self._behind_iam:
            raise Unauthenticated("the token has no signature: is AMENDS_BEHIND_IAM to be set?")
        try:
            claims: Mapping[str, Any] = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]
            expires = float(claims["exp"])
        except Exception as problem:  # hostile tokens fail in many ways, all of them a no
            raise Unauthenticated(f"the token cannot be read: {problem}") from None
        if expires < time.time() or not (any_audience or claims.get("aud") == audience):
            raise Unauthenticated("the token has expired, or is for another audience")
        return claims

    def _certs_for(self, key_id: str) -> Mapping[str, str]:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > CERTS_MAX_AGE or (key_id not in self._certs and age > CERTS_MIN_AGE):
                self._certs = _fetch_certs(self._certs_url)
                self._fetched_at = time.monotonic()
            return self._certs


def _token_of(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("this function wants an OIDC token: Authorization: Bearer ...")
    return token


def _fetch_certs(url: str) -> Mapping[str, str]:
    try:
        answer = requests.get(url, timeout=5)
        answer.raise_for_status()
        certs: Mapping[str, str] = answer.json()
    except (requests.RequestException, json.JSONDecodeError) as problem:
        raise Unavailable(f"the certificates at {url} cannot be read: {problem}") from problem
    return certs
