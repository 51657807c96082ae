"""Sagas over HTTP for callers: start one, read it, send it a signal."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from functions.edge import endpoint
from lib.datastore.ids import make_id
from lib.edge.paging import PageSize, PageToken
from lib.observability.logs import annotate, traceparent
from lib.saga.engine.engine import Engine
from lib.saga.operators import view
from lib.saga.state.records import SagaStatus

#: A caller's own id for a saga.
NewSagaId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z",
        description="text of 1 to 200 letters, digits, dots, underscores and hyphens, "
        "the first a letter or a digit",
    ),
]

#: The id of any saga: a child's is its parent's, a colon, and its step's name.
SagaId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:~-]{0,999}\Z",
        description="the id of a saga: text of 1 to 1000 characters",
    ),
]
SagaName = Annotated[str, Meta(min_length=1, max_length=200)]
StepName = Annotated[str, Meta(min_length=1, max_length=100)]


class NewSaga(Struct, forbid_unknown_fields=True):
    """A saga to start; the same id with the same payload is started once."""

    name: SagaName
    payload: Any
    id: NewSagaId | None = None


class SignalRequest(Struct, forbid_unknown_fields=True):
    """A signal for a saga, with its payload; it is received once."""

    id: SagaId
    signal: StepName
    payload: Any = None


@endpoint("POST", status=202)
def start_saga(body: NewSaga, engine: Engine, idempotency_key: str | None) -> dict[str, Any]:
    """Start a saga, or return the one that this id, or this Idempotency-Key, has started."""
    saga_id = body.id or make_id(body.name, idempotency_key)
    annotate(saga=saga_id)
    saga = engine.start(body.name, saga_id, body.payload, traceparent=traceparent.get())
    return view.summarize_saga(saga)


@endpoint("GET")
def get_saga(id: SagaId, engine: Engine) -> dict[str, Any]:
    """Return a saga with its steps and its audit trail."""
    return view.show_saga(engine, id)


@endpoint("GET")
def list_sagas(
    engine: Engine,
    status: SagaStatus | None = None,
    name: SagaName | None = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """Return a page of sagas, the newest first, by status and name."""
    return view.page_of_sagas(engine.repository, status, name, page_size, page_token)


@endpoint("POST", status=202)
def signal_saga(body: SignalRequest, engine: Engine, caller: str) -> dict[str, Any]:
    """Send a saga the signal that one of its steps waits for, or will wait for. Idempotent."""
    annotate(saga=body.id)
    return view.summarize_saga(engine.signal(body.id, body.signal, body.payload, actor=caller))
