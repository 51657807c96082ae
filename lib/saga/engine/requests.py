"""Prepares operators' requests, so that applying one twice is harmless."""

from dataclasses import replace

from lib.datastore.ids import make_id
from lib.saga.machine.inputs import (
    Input,
    Requested,
    ResolveRequested,
    RetryRequested,
    SkipRequested,
    VoidRequested,
)
from lib.saga.state.limits import MAX_TEXT
from lib.saga.state.records import SagaRecord
from lib.saga.state.text import storable

#: Requests that apply only to the failure that the operator has seen.
REPAIRS = (RetryRequested, SkipRequested, VoidRequested, ResolveRequested)


def pin(what: Input, saga: SagaRecord) -> Input:
    """Return a request with an id of its own, limited to the current failure.

    It may be decided again, if a commit's answer was lost or another commit came first. The id and
    the limit prevent that it is applied twice, or to a later failure.
    """
    if not isinstance(what, Requested):
        return what
    incident = saga.incident if isinstance(what, REPAIRS) else None
    return replace(
        what,
        id=what.id or make_id("request", None),
        incident=incident,
        actor=storable(what.actor, MAX_TEXT),
        reason=storable(what.reason, MAX_TEXT),
    )
