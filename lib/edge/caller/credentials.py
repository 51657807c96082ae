"""Finds the caller's token in a request; lib.edge.caller.identity verifies it."""

import flask

#: Headers that can carry a token. If the first one is present, Cloud Run checks only that one, and
#: passes the other on unchecked (Cloud Run's guide to authenticating service-to-service).
HEADERS = ("X-Serverless-Authorization", "Authorization")

#: The text by which Cloud Run replaces a token's signature after IAM has verified it
#: (Cloud Run's troubleshooting guide, "signature removed").
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"

#: The name of a caller without a token: on a laptop, or of a public function.
ANONYMOUS = "anonymous"

#: Prefix of the name of a caller whose token has no address; the token's subject follows.
NAMELESS = "subject:"


def find_credential(request: flask.Request) -> str | None:
    """Return the value of the header whose token IAM has checked; None if there is no token."""
    return next((request.headers[name] for name in HEADERS if name in request.headers), None)
