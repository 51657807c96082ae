"""Reads a request's body, up to a limit and only if its Content-Type is JSON."""

import re
from contextlib import suppress
from datetime import timedelta

import flask

from lib.errors import Malformed, TooLarge, UnsupportedMediaType

#: The maximum size of a body, in bytes.
MAX_BODY = 1024 * 1024

#: The maximum part of an unwanted body that is read and dropped: 32 MiB, Cloud Run's own limit.
#: Otherwise a client that is still sending would see a broken connection instead of the answer.
CHUNK = 64 * 1024
MAX_DRAINED_CHUNKS = 512

#: The maximum wait for more of an unwanted body.
MAX_WAIT = timedelta(seconds=2)

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.ASCII | re.IGNORECASE)


def read_body(request: flask.Request) -> bytes:
    """Return the body; raise TooLarge over MAX_BODY, and Malformed if it is truncated."""
    try:
        body: bytes = request.stream.read(MAX_BODY + 1)
    except Exception as problem:  # the server's own types: a closed connection, a bad chunk
        raise Malformed("the body was cut off") from problem
    if len(body) > MAX_BODY:
        raise TooLarge(f"the body is over the limit of {MAX_BODY} bytes")
    return body


def check_type(request: flask.Request) -> None:
    """Raise UnsupportedMediaType unless Content-Type is JSON in UTF-8.

    A page of another origin can send some other types without a preflight request.
    """
    coding = request.headers.get("Content-Encoding", "identity").lower()
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not _JSON.fullmatch(request.mimetype):
        raise UnsupportedMediaType("send the body as JSON: add Content-Type: application/json")
    if coding != "identity" or charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("send the body in UTF-8 and without a Content-Encoding")


def drain(request: flask.Request) -> None:
    """Read and drop the rest of a body, so that a client that is still sending gets the answer.

    Waits at most MAX_WAIT for each chunk: some clients pause until they have an answer.
    """
    connection = request.environ.get("gunicorn.socket")
    before = connection.gettimeout() if connection else None
    with suppress(Exception):  # if this fails, there is no client left to answer
        if connection:
            connection.settimeout(MAX_WAIT.total_seconds())
        for _ in range(MAX_DRAINED_CHUNKS):
            if not request.stream.read(CHUNK):
                break
    if connection:
        connection.settimeout(before)
