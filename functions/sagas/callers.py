"""Sagas over HTTP for callers: start one, read it, send it a signal."""

from contextlib import suppress
from typing import Annotated, Any

import flask
from msgspec import Meta, Struct

from functions.edge import endpoint
from functions.sagas.names import SagaId, SagaName, StepName
from functions.wait import Wait, accept
from lib.datastore.ids import make_id
from lib.edge.request.pages import PageSize, PageToken
from lib.edge.response.reply import Reply
from lib.errors import AmendsError
from lib.observability.logs import annotate, traceparent
from lib.saga.engine.engine import Engine
from lib.saga.operators import view
from lib.saga.operators.trail import page_of_events
from lib.saga.state.records import ACTIVE, SagaRecord, SagaStatus

#: A caller's own id for a saga.
NewSagaId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z",
        description="text of 1 to 200 letters, digits, dots, underscores and hyphens, "
        "starting with a letter or a digit",
    ),
]


class NewSaga(Struct, forbid_unknown_fields=True):
    """A saga to start. The same id with the same payload starts only one saga."""

    name: SagaName
    payload: Any
    id: NewSagaId | None = None


class SignalRequest(Struct, forbid_unknown_fields=True):
    """A signal for a saga, with its payload; the saga receives it once."""

    id: SagaId
    signal: StepName
    payload: Any = None


@endpoint("POST", status=202)
def start_saga(body: NewSaga, engine: Engine, idempotency_key: str | None, wait: Wait) -> Reply:
    """Start a saga, or return the one that this id or Idempotency-Key has started before.

    With `Prefer: wait=N` the answer is 200 with what get-saga shows, if the saga ends in time.
    """
    saga_id = body.id or make_id(body.name, idempotency_key)
    annotate(saga=saga_id)
    started = engine.start(body.name, saga_id, body.payload, traceparent=traceparent.get())
    saga = wait.for_end(started)
    ended = wait.is_asked and saga.status not in ACTIVE
    shown = _show_end(engine, saga) if ended else view.summarize_saga(saga)
    return wait.reply(shown, "start-saga", "get-saga", ended=ended, unasked=202)


def _show_end(engine: Engine, saga: SagaRecord) -> dict[str, Any]:
    """Return the whole saga, or its summary if the read fails: the saga has run in any case."""
    with suppress(AmendsError):
        return view.show_saga(engine, saga)
    return view.summarize_saga(saga)


@endpoint("GET")
def get_saga(id: SagaId, engine: Engine, wait: Wait) -> Reply:
    """Return a saga with its steps and its newest events; with `Prefer: wait=N`, at its end."""
    saga = wait.for_end(engine.repository.get(id).saga)
    ended = saga.status not in ACTIVE
    shown = view.show_saga(engine, saga)
    return wait.reply(shown, "get-saga", "get-saga", ended=ended, unasked=200)


@endpoint("GET")
def list_saga_events(id: SagaId, engine: Engine, page_token: PageToken = None) -> dict[str, Any]:
    """Return a page of a saga's audit trail, the newest event first: up to 100 events."""
    return page_of_events(engine, id, page_token)


@endpoint("GET")
def list_sagas(
    engine: Engine,
    status: SagaStatus | None = None,
    name: SagaName | None = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """Return a page of sagas, newest first, filtered by status and name."""
    return view.page_of_sagas(engine.repository, status, name, page_size, page_token)


@endpoint("POST", status=202)
def signal_saga(body: SignalRequest, engine: Engine, caller: str, request: flask.Request) -> Reply:
    """Send a saga a signal that one of its steps waits for or will wait for. Idempotent."""
    annotate(saga=body.id)
    saga = engine.signal(body.id, body.signal, body.payload, actor=caller)
    return accept(request, "signal-saga", view.summarize_saga(saga))
