"""Where a request carries the caller's token; lib.edge.caller.identity verifies it."""

import flask

#: Headers that can carry a token. If the first one is present, Cloud Run checks only that, and
#: passes the other on unchecked (its guide to authenticating service-to-service).
HEADERS = ("X-Serverless-Authorization", "Authorization")

#: What Cloud Run puts in place of a token's signature after IAM has verified it
#: (Cloud Run's troubleshooting guide, "signature removed").
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"

#: The name of a caller without a token: on a laptop, or at a public function.
ANONYMOUS = "anonymous"

#: Prefix of the name of a caller whose token has no address; the token's subject follows.
NAMELESS = "subject:"


def find_credential(request: flask.Request) -> str | None:
    """Return the header with the token that IAM has checked, None if there is no token."""
    return next((request.headers[name] for name in HEADERS if name in request.headers), None)
