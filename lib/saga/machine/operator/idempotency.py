"""Applies each operator's request once, because a client repeats it if its answer is lost."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from lib.errors import Conflict, NotFound, VersionMismatch
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import Requested
from lib.saga.state.records import SagaRecord

#: The number of requests that a saga remembers.
MAX_REMEMBERED = 10


def apply_once(draft: Draft, request: Requested, act: Callable[[], None]) -> None:
    """Apply a request to a saga unless it was applied before.

    A request changes nothing if the saga remembers its id. It changes nothing either if `act`
    refuses it but the saga remembers an equal request, whose answer must have been lost. Raises
    VersionMismatch if the saga has changed since the operator saw it, Conflict if it has failed
    again since or if the id was used for another request, and what `act` raises.
    """
    saga, mark = draft.saga, _mark_of(request)
    done = [_Mark(*each.split(" ", 2)) for each in saga.requests]
    if request.id and any(_is_of_id(each, mark) for each in done):
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    try:
        _check_pins(saga, request)
        act()
    except (Conflict, NotFound, VersionMismatch):
        if not any(each[:2] == mark[:2] for each in done):
            raise
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    if draft.has_events:
        saga.requests = [*saga.requests, " ".join(mark)][-MAX_REMEMBERED:]


class _Mark(NamedTuple):
    """A remembered request: its digest, the saga's sequence that it was made for, and its id."""

    digest: str
    sequence: str
    id: str


def _mark_of(request: Requested) -> _Mark:
    asked = (type(request).__name__, replace(request, id="", sequence=None, incident=None))
    digest = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]
    return _Mark(digest, str(request.sequence or ""), request.id)


def _is_of_id(done: _Mark, mark: _Mark) -> bool:
    """Return whether a request with this id was applied; raise Conflict if it was another one."""
    if done.id == mark.id and done.digest != mark.digest:
        raise Conflict("this Idempotency-Key was used for another request", field="Idempotency-Key")
    return done.id == mark.id


def _check_pins(saga: SagaRecord, request: Requested) -> None:
    if request.sequence not in (None, saga.sequence):
        raise VersionMismatch(f"saga {saga.id} has changed since you saw it: look at it again")
    if request.incident not in (None, saga.incident):
        raise Conflict(f"saga {saga.id} is no longer in the failure you saw: look at it again")
