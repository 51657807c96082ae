"""`Prefer: wait=N` in a request for a saga: 200 with its end, or 202 and where to find it later."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import flask

from lib.edge.request.peer import is_gone
from lib.edge.request.preferences import read_wait
from lib.edge.response.links import link_to
from lib.edge.response.reply import Reply
from lib.timing import deadline

if TYPE_CHECKING:
    from lib.saga.operators.waiters import Waiters
    from lib.saga.state.records import SagaRecord

#: How long after a 202 a caller should ask again.
RETRY_AFTER = timedelta(seconds=1)

#: How much of the time budget a wait leaves for the response; a fifth if the budget is below 25 s.
RESERVE = timedelta(seconds=5)


class Wait:
    """How long one request waits for a saga, and the status and headers of its response."""

    def __init__(self, request: flask.Request, waiters: Callable[[], "Waiters"]) -> None:
        self._request = request
        self._waiters = waiters
        self._asked = read_wait(request)
        self._applied: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the caller wants to wait."""
        return self._asked is not None

    def for_end(self, saga: "SagaRecord") -> "SagaRecord":
        """Return a saga at its end, or its current state when the caller's time is up.

        Returns immediately if the caller does not want to wait, or if too many callers wait.
        """
        if self._asked is None:
            return saga
        seconds = int(min(self._asked, _longest()).total_seconds())
        within = timedelta(seconds=seconds)
        followed = self._waiters().follow(saga, within, lambda: is_gone(self._request))
        if followed is None:
            return saga
        self._applied = seconds
        return followed

    def reply(
        self, shown: dict[str, Any], own: str, other: str, *, ended: bool, unasked: int
    ) -> Reply:
        """Return the response of function `own`, with a link to function `other` for a later look.

        A caller that wants to wait gets 200 only for the saga's end, even if it did not have to
        wait, and otherwise 202. Any other caller gets the status `unasked`.
        """
        status = unasked if self._asked is None else 200 if ended else 202
        headers = {"Vary": "Prefer"}
        if self._applied is not None:
            headers["Preference-Applied"] = f"wait={self._applied}"
        if status == 202:
            headers |= _say_where(self._request, own, other, shown)
        return Reply(shown, status, headers)


def accept(request: flask.Request, own: str, shown: dict[str, Any]) -> Reply:
    """Return the 202 response of function `own` for a saga, with a link to get-saga."""
    return Reply(shown, 202, _say_where(request, own, "get-saga", shown))


def _say_where(
    request: flask.Request, own: str, other: str, shown: dict[str, Any]
) -> dict[str, str]:
    return {
        "Location": link_to(request, own, other, id=shown["id"]),
        "Retry-After": str(round(RETRY_AFTER.total_seconds())),
    }


def _longest() -> timedelta:
    """Return how long this request may wait: the rest of its budget is for the response."""
    left = deadline.remaining()
    if left is None:
        return timedelta.max
    return left - min(RESERVE, left / 5)
