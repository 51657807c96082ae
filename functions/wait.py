"""`Prefer: wait=N` of a request for a saga: 200 with its end, or 202 with where to look later."""

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

#: When a caller is to look again after a 202.
RETRY_AFTER = timedelta(seconds=1)

#: What a wait leaves of the function's time budget, for the answer; a fifth of a budget below 25 s.
RESERVE = timedelta(seconds=5)


class Wait:
    """How long one request waits for a saga, and what its answer says of that."""

    def __init__(self, request: flask.Request, waiters: Callable[[], "Waiters"]) -> None:
        self._request = request
        self._waiters = waiters
        self._asked = read_wait(request)
        self._applied: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the caller has said how long it waits."""
        return self._asked is not None

    def for_end(self, saga: "SagaRecord") -> "SagaRecord":
        """Return a saga at its end, or as it is once the caller has waited long enough.

        Returns at once if the caller does not wait, or if too many wait already.
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
        """Return the answer of function `own`: a saga or an order, and where `other` shows it.

        A caller that waits gets 200 for the end alone, whether it was made to wait or not; one
        that does not gets the status `unasked`.
        """
        status = unasked if self._asked is None else 200 if ended else 202
        headers = {"Vary": "Prefer"}
        if self._applied is not None:
            headers["Preference-Applied"] = f"wait={self._applied}"
        if status == 202:
            headers |= _say_where(self._request, own, other, shown)
        return Reply(shown, status, headers)


def accept(request: flask.Request, own: str, shown: dict[str, Any]) -> Reply:
    """Return the 202 of function `own` for a saga, and where to look at the saga later."""
    return Reply(shown, 202, _say_where(request, own, "get-saga", shown))


def _say_where(
    request: flask.Request, own: str, other: str, shown: dict[str, Any]
) -> dict[str, str]:
    return {
        "Location": link_to(request, own, other, id=shown["id"]),
        "Retry-After": str(round(RETRY_AFTER.total_seconds())),
    }


def _longest() -> timedelta:
    """Return how long this request may wait: the answer has to be made within its budget."""
    left = deadline.remaining()
    if left is None:
        return timedelta.max
    return left - min(RESERVE, left / 5)
