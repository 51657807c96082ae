"""Common HTTP/1.1 messages, encoded and parsed in a tenth of the time that h11 takes.

The caller gives every other message to h11, so what h11 refuses is still refused.
"""

import re
from urllib.parse import SplitResult

from local.http.messages import Answer, Request, list_headers, read_retry_after, target_of

_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_SENT_NAME = re.compile(_NAME)
_SENT_VALUE = re.compile(r"(?:[\x21-\x7e](?:[ \x21-\x7e]*[\x21-\x7e])?)?")
_TARGET = re.compile(r"[\x21-\x7e]+")
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*")
_FIELD = re.compile(
    rb"(" + _NAME.encode() + rb"): ([\x21-\x7e](?:[ \x21-\x7e]*[\x21-\x7e])?)", re.DOTALL
)
_LENGTH = re.compile(rb"[0-9]{1,8}")
_WITHOUT_BODY = (b"204", b"304")


def encode_plain(request: Request, url: SplitResult) -> bytes | None:
    """Return a request's bytes; None if anything about it is unusual."""
    headers, target = list_headers(request, url), target_of(url)
    if request.method == "HEAD" or not _TARGET.fullmatch(target):
        return None
    for name, value in headers:
        if not _SENT_NAME.fullmatch(name) or not _SENT_VALUE.fullmatch(value):
            return None
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{request.method} {target} HTTP/1.1\r\n{fields}\r\n".encode("ascii") + request.body


def read_plain(received: bytes) -> Answer | None:
    """Return a response that is complete, with no bytes after it, and keeps its connection open.

    None if it is not, or if anything about it is unusual.
    """
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status, fields = _STATUS.fullmatch(first), [_FIELD.fullmatch(line) for line in lines]
    if status is None or status[1] in _WITHOUT_BODY:
        return None
    headers = {field[1].lower(): field[2] for field in fields if field is not None}
    if len(headers) < len(lines) or b"transfer-encoding" in headers:
        return None
    length = headers.get(b"content-length", b"")
    if not _LENGTH.fullmatch(length) or int(length) != len(body):
        return None
    if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    return Answer(int(status[1]), retry_after=read_retry_after(headers.get(b"retry-after")))
