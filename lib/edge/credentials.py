"""Where a request says who calls. What a token claims is looked at in lib.edge.identity."""

import flask

#: Where a caller can put a token. Cloud Run checks the first one alone where it is present, and
#: hands the other on as it came (its guide to authenticating service-to-service).
HEADERS = ("X-Serverless-Authorization", "Authorization")

#: What Cloud Run puts in the place of a token's signature once IAM has verified it
#: (Cloud Run's troubleshooting guide, "signature removed").
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"

#: Who calls without a token: on a laptop, or where the deployment lets everybody in.
ANONYMOUS = "anonymous"

#: How whoever has a token without an address is named, before the token's subject.
NAMELESS = "subject:"


def find_credential(request: flask.Request) -> str | None:
    """Return the one header that says who calls, the one that IAM has checked; None if none."""
    return next((request.headers[name] for name in HEADERS if name in request.headers), None)
