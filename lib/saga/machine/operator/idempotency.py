"""Operators' requests, each carried out once: its answer may be lost, and it is sent again."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import msgspec

from lib.errors import Conflict, NotFound, VersionMismatch
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import Requested
from lib.saga.state.records import SagaRecord

#: So many requests a saga remembers.
MAX_REMEMBERED = 10


def carry_out(draft: Draft, request: Requested, act: Callable[[], None]) -> None:
    """Have a saga do what is asked of it, unless it has done so before.

    A request that the saga remembers by its id changes nothing. Nor does one that makes no sense
    any more, if the saga remembers the same one: the first answer was lost. Raises VersionMismatch
    where the saga is not as it was seen, Conflict where it has failed again since, or where the
    id was used for another request, and what `act` raises.
    """
    saga, mark = draft.saga, _mark_of(request)
    done = [_Mark(*each.split(" ", 2)) for each in saga.requests]
    if request.id and any(_is_of_id(each, mark) for each in done):
        return
    try:
        _check_pins(saga, request)
        act()
    except (Conflict, NotFound, VersionMismatch):
        if not any(each[:2] == mark[:2] for each in done):
            raise
        return
    if draft.has_events:
        saga.requests = [*saga.requests, " ".join(mark)][-MAX_REMEMBERED:]


class _Mark(NamedTuple):
    """What a saga remembers of a request: what was asked, of which state of it, and the id."""

    digest: str
    sequence: str
    id: str


def _mark_of(request: Requested) -> _Mark:
    asked = (type(request).__name__, replace(request, id="", sequence=None, incident=None))
    digest = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]
    return _Mark(digest, str(request.sequence or ""), request.id)


def _is_of_id(done: _Mark, mark: _Mark) -> bool:
    """Tell whether a request is done by its id; raise Conflict where that was another request."""
    if done.id == mark.id and done.digest != mark.digest:
        raise Conflict("this Idempotency-Key was used for another request", field="Idempotency-Key")
    return done.id == mark.id


def _check_pins(saga: SagaRecord, request: Requested) -> None:
    if request.sequence not in (None, saga.sequence):
        raise VersionMismatch(f"saga {saga.id} is no longer as it was seen: look at it again")
    if request.incident not in (None, saga.incident):
        raise Conflict(f"saga {saga.id} was dealt with meanwhile: look at it again")
