"""The literals BLOB and DATETIME, whose text is decoded."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from local.rpc.errors import InvalidArgument

_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
#: The offsets that Google's parser accepts: one hour beyond the time zones in use.
_MIN_OFFSET, _MAX_OFFSET = timedelta(hours=-13), timedelta(hours=14)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_blob(text: str) -> bytes:
    """Return the bytes of web-safe base64 without padding; InvalidArgument if it is malformed."""
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        raise InvalidArgument(f'GQL: invalid blob text: "{text}".')
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fill_timestamp(timestamp: Any, text: str) -> None:
    """Write the time of an RFC 3339 text with a zone; InvalidArgument if it is malformed."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        raise InvalidArgument(f'GQL: invalid datetime text (does not match pattern): "{text}".')
    date, clock, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}+00:00")
    except ValueError as error:
        raise InvalidArgument(f'GQL: invalid datetime text ({error}): "{text}".') from error
    since = moment - _EPOCH
    if sign:
        since -= _read_offset(text, sign, int(hours), int(minutes))
    timestamp.seconds = since // timedelta(seconds=1)
    timestamp.nanos = int((fraction or "").ljust(9, "0"))


def _read_offset(text: str, sign: str, hours: int, minutes: int) -> timedelta:
    size = timedelta(hours=hours, minutes=minutes)
    offset = -size if sign == "-" else size
    if not size:
        raise InvalidArgument(f'GQL: invalid datetime text (zero offset must be Z): "{text}".')
    if minutes > 59 or not _MIN_OFFSET <= offset <= _MAX_OFFSET:
        raise InvalidArgument(f'GQL: invalid datetime text (offset out of range): "{text}".')
    return offset
