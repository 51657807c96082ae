"""Pages of a listing that is ordered by name.

The token contains the last name of the previous page and a hash of the listing, so a token of
another parent or filter is refused.
"""

import base64
import hashlib
from typing import Any

from local.rpc.errors import InvalidArgument

MAX_TASKS = 1000
MAX_QUEUES = 9800
_MARK_LENGTH = 8


def read_token(token: str, listing: str) -> str:
    """Return the name after which the page starts; InvalidArgument if the token is invalid."""
    if not token:
        return ""
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidArgument("The page token is invalid.") from error
    if text[:_MARK_LENGTH] != _mark(listing):
        raise InvalidArgument("The page token is invalid, or belongs to another listing.")
    return text[_MARK_LENGTH:]


def read_size(size: int, limit: int) -> int:
    """Return the page size: the limit if the request has none; InvalidArgument if negative."""
    if size < 0:
        raise InvalidArgument("page_size must not be negative.")
    return min(size or limit, limit)


def cut_page(items: list[Any], size: int, limit: int, listing: str) -> tuple[list[Any], str]:
    """Return the first page of the items, and the token of the next page; empty at the end."""
    page = items[: read_size(size, limit)]
    if len(items) == len(page):
        return page, ""
    text = _mark(listing) + page[-1].name
    return page, base64.urlsafe_b64encode(text.encode()).decode()


def _mark(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:_MARK_LENGTH]
