"""Pages of a listing that is ordered by name: the token is the last name of the page before."""

import base64
from typing import Any

from local.tasks.refusals import InvalidArgument

MAX_TASKS = 1000
MAX_QUEUES = 9800


def read_token(token: str) -> str:
    """Return the name that the page starts behind; InvalidArgument for a token that is none."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidArgument("The page token is invalid.") from error


def read_size(size: int, limit: int) -> int:
    """Return how many items the page holds: the limit if the request does not say."""
    if size < 0:
        raise InvalidArgument("page_size must not be negative.")
    return min(size or limit, limit)


def cut_page(items: list[Any], size: int, limit: int) -> tuple[list[Any], str]:
    """Return the first page of what is left, and the token of the next one, empty at the end."""
    page = items[: read_size(size, limit)]
    more = len(items) > len(page)
    token = base64.urlsafe_b64encode(page[-1].name.encode()).decode() if more else ""
    return page, token
