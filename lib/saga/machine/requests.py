"""Operators' requests, each carried out once: its answer may be lost, and it is sent again."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import msgspec

from lib.errors import Conflict, NotFound, VersionMismatch
from lib.saga.machine.draft import Draft
from lib.saga.machine.happened import Request
from lib.saga.records import SagaRecord

#: So many requests a saga remembers.
MAX_REMEMBERED = 10


def carry_out(draft: Draft, request: Request, act: Callable[[], None]) -> None:
    """Have a saga do what is asked of it, unless it has done so before.

    A request that the saga remembers by its id changes nothing. Nor does one that makes no sense
    any more, if the saga remembers the same one: the first answer was lost. Raises VersionMismatch
    where the saga is not as it was seen, Conflict where it has failed again since, or where the
    id was used for another request, and what `act` raises.
    """
    saga, digest = draft.saga, digest_of(request)
    if _is_done(saga, request, digest):
        return
    try:
        _check_pins(saga, request)
        act()
    except (Conflict, NotFound, VersionMismatch):
        if not any(each.startswith(f"{digest} ") for each in saga.requests):
            raise
        return
    if draft.has_events:
        saga.requests = [*saga.requests, f"{digest} {request.id}"][-MAX_REMEMBERED:]


def digest_of(request: Request) -> str:
    """Return what equal requests share, whatever their ids."""
    asked = (type(request).__name__, replace(request, id="", incident=None))
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


def _is_done(saga: SagaRecord, request: Request, digest: str) -> bool:
    of_id = [each for each in saga.requests if request.id and each.endswith(f" {request.id}")]
    if of_id and f"{digest} {request.id}" not in of_id:
        raise Conflict("this Idempotency-Key was used for another request", field="Idempotency-Key")
    return bool(of_id)


def _check_pins(saga: SagaRecord, request: Request) -> None:
    if request.sequence not in (None, saga.sequence):
        raise VersionMismatch(f"saga {saga.id} is no longer as it was seen: look at it again")
    if request.incident not in (None, saga.incident):
        raise Conflict(f"saga {saga.id} was dealt with meanwhile: look at it again")
