"""A request's body: read up to a limit, and only if it is said to be JSON."""

import re
from contextlib import suppress

import flask

from lib.errors import Malformed, TooLarge, UnsupportedMediaType

#: The largest body that is read at all.
MAX_BODY = 1024 * 1024

#: Of a body that is not wanted so much is thrown away: 32 MiB, the most that Cloud Run lets
#: through. A client that still sends would see a broken connection instead of the answer.
CHUNK = 64 * 1024
MAX_DRAINED_CHUNKS = 512

#: Seconds to wait for more of a body that is not wanted.
PATIENCE = 2.0

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.ASCII | re.IGNORECASE)


def read_body(request: flask.Request) -> bytes:
    """Return the body; raise TooLarge beyond MAX_BODY, Malformed if it breaks off."""
    try:
        body: bytes = request.stream.read(MAX_BODY + 1)
    except Exception as problem:  # the server's own kinds: a client that is gone, a bad chunk
        raise Malformed("the body breaks off") from problem
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body is over the limit of {MAX_BODY} bytes")
    return body


def check_type(request: flask.Request) -> None:
    """Raise UnsupportedMediaType unless the body is said to be JSON in plain UTF-8.

    A page of another origin can send a body of any other type without having asked for leave.
    """
    coding = request.headers.get("Content-Encoding", "identity").lower()
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not _JSON.fullmatch(request.mimetype):
        raise UnsupportedMediaType("send the body as JSON: add Content-Type: application/json")
    if coding != "identity" or charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("send the body in UTF-8 and without a Content-Encoding")


def drain(request: flask.Request) -> None:
    """Throw away what is left of a body, so that the answer reaches whoever still sends it.

    Nothing is waited for longer than PATIENCE: a client may send no more before it is answered.
    """
    connection = request.environ.get("gunicorn.socket")
    before = connection.gettimeout() if connection else None
    with suppress(Exception):  # whatever breaks here, nobody is left to be answered
        if connection:
            connection.settimeout(PATIENCE)
        for _ in range(MAX_DRAINED_CHUNKS):
            if not request.stream.read(CHUNK):
                break
    if connection:
        connection.settimeout(before)
