"""The audit trail of a saga in pages, the newest event first.

The first page has the events of the record, each later one those of one entity of older events.
Such an entity never changes, and a token names one, so events that move out of the record between
two pages are neither lost nor repeated.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from lib.datastore import make_page_token, open_page_token
from lib.errors import Malformed
from lib.saga.engine.engine import Engine
from lib.saga.machine.causes import explain, sentence_of
from lib.saga.state.mismatch import find_mismatch
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import EventRecord, Loaded, SagaRecord


def page_of_events(engine: Engine, saga_id: str, token: str | None) -> dict[str, Any]:
    """Return a page of a saga's audit trail, the newest event first; `unreadable` as in a list.

    Reads the saga's record and, except for the first page, one entity of events; for a saga with
    secrets, also its large values. Raises NotFound, and Malformed for the token of another saga.
    """
    saga = engine.repository.get(saga_id).saga
    page = None if token is None else _open(saga, token)
    events = engine.repository.events_of(saga, page)
    show = _text_of(engine, saga)
    following = next_page(saga, page)
    return {
        "items": show_events(events, show),
        "has_more": following is not None,
        "next_page_token": following,
        "unreadable": events.unreadable,
    }


def next_page(saga: SagaRecord, page: int | None = None) -> str | None:
    """Return the token of the page after that of the record, or after `page`; None at the end."""
    older = saga.pages if page is None else page - 1
    return make_page_token(str(older).encode(), _digest_of(saga)) if older else None


def show_events(events: list[EventRecord], show: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return events as plain answers, the newest first; `show` converts their texts."""
    return [{**_show_event(event), "error": show(event.error)} for event in reversed(events)]


def clean_texts(engine: Engine, loaded: Loaded, privacy: Privacy) -> Callable[[str], str]:
    """Return a function that turns a saga's texts into sentences without secrets.

    `loaded` has its large values. A text may have been written before its secret was marked as one,
    so it is cleaned again. If a type does not fit, secrets cannot be recognized: then the text is
    shown as it was written.
    """
    definition = engine.definitions.get((loaded.saga.name, loaded.saga.definition_version))
    fits = definition is not None and not find_mismatch(definition, *loaded)
    return (lambda text: explain(privacy.clean(text))) if fits else explain


def _text_of(engine: Engine, saga: SagaRecord) -> Callable[[str], str]:
    definition = engine.definitions.get((saga.name, saga.definition_version))
    same = definition is not None and definition.fingerprint == saga.fingerprint
    if definition is None or (same and not definition.has_secrets):
        return explain
    loaded = engine.repository.fill(engine.repository.load_steps(saga))
    return clean_texts(engine, loaded, Privacy(definition, *loaded))


def _open(saga: SagaRecord, token: str) -> int:
    page = int(open_page_token(token, _digest_of(saga)))
    if page > saga.pages:
        raise Malformed("the page token is of an earlier saga with this id", field="page_token")
    return page


def _digest_of(saga: SagaRecord) -> bytes:
    """Return the hash that binds a token to its saga."""
    return hashlib.blake2b(f"events of {saga.id}".encode(), digest_size=12).digest()


def _show_event(event: EventRecord) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "began_at": event.began_at,
        "step": event.step,
        "from": event.from_status,
        "to": event.to_status,
        "attempt": event.attempt,
        "cause": event.cause,
        "sentence": sentence_of(event.cause),
        "actor": event.actor,
    }
