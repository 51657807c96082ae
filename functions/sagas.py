"""Sagas over HTTP: for callers, for operators, for Cloud Tasks and for Cloud Scheduler."""

from typing import Annotated, Any

import flask
from msgspec import Meta, Struct

from lib.clients import now
from lib.http import endpoint
from lib.identifiers import make_id
from lib.logs import annotate, traceparent
from lib.paging import PageSize, PageToken
from lib.saga import view
from lib.saga.delivery import Delivery
from lib.saga.engine import Engine
from lib.saga.happened import CancelRequested
from lib.saga.records import SagaStatus
from lib.saga.recovery import Swept, sweep

SagaId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
SagaName = Annotated[str, Meta(min_length=1, max_length=200)]


class NewSaga(Struct, forbid_unknown_fields=True):
    """A saga to be started; the same id with the same payload is started once."""

    name: SagaName
    payload: Any
    id: SagaId | None = None


class Cancel(Struct, forbid_unknown_fields=True):
    """Who wants a saga undone, and why."""

    id: SagaId
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    actor: Annotated[str, Meta(max_length=200)] = ""


@endpoint("POST", status=202)
def start_saga(body: NewSaga, engine: Engine, idempotency_key: str | None) -> dict[str, Any]:
    """Start a saga, or return the one that this id, or this Idempotency-Key, has started."""
    saga_id = body.id or make_id(body.name, idempotency_key)
    saga = engine.start(body.name, saga_id, body.payload, traceparent=traceparent.get())
    return view.summarize_saga(saga)


@endpoint("GET")
def get_saga(id: SagaId, engine: Engine) -> dict[str, Any]:
    """Return a saga with its steps and its audit trail."""
    return view.show_saga(engine.journal, id)


@endpoint("GET")
def list_sagas(
    engine: Engine,
    status: SagaStatus | None = None,
    name: SagaName | None = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> dict[str, Any]:
    """Return a page of sagas, the newest first, by status and name."""
    return view.page_of_sagas(engine.journal, status, name, page_size, page_token)


@endpoint("GET")
def count_sagas(engine: Engine, name: SagaName | None = None) -> dict[str, int]:
    """Return the number of sagas in each status."""
    return view.count_sagas(engine.journal, name)


@endpoint("POST", status=202)
def cancel_saga(body: Cancel, engine: Engine) -> dict[str, Any]:
    """Have a saga undone: what it did is compensated, after the step in flight."""
    request = CancelRequested(actor=body.actor, reason=body.reason)
    return view.summarize_saga(engine.tell(body.id, request))


@endpoint("POST", guard="tasks_service_account")
def run_saga_step(body: Delivery, engine: Engine, request: flask.Request) -> dict[str, str]:
    """Run one delivery: the target of Cloud Tasks."""
    annotate(saga=body.saga_id, attempt=body.attempt)
    retries = request.headers.get("X-CloudTasks-TaskRetryCount", "0")
    return {"result": engine.deliver(body, retries=int(retries) if retries.isdigit() else 0)}


@endpoint("POST", guard="scheduler_service_account")
def sweep_sagas(engine: Engine) -> Swept:
    """Deliver overdue sagas again: the target of Cloud Scheduler."""
    return sweep(engine, now)
