"""The verbs of operators: each takes a reason, and the audit trail names the caller.

A verb that does not fit a saga's state is refused with 409 and changes nothing; docs/verbs.md lists
the states for each verb. With `If-Match` and the ETag of get-saga, a verb applies only to that
state. A repetition with the same Idempotency-Key or the same content gets the same answer.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import flask
from msgspec import UNSET, Meta, Struct, UnsetType

from functions.edge import endpoint
from functions.sagas.names import SagaId, SagaName, StepName
from functions.wait import accept
from lib.edge.request.pages import PageSize, PageToken
from lib.edge.response.reply import Reply
from lib.observability.logs import annotate
from lib.saga.machine import inputs
from lib.saga.operators import view
from lib.saga.operators.bulk import Verb, apply_to_each, make_request
from lib.saga.operators.operator import Operator
from lib.saga.state.limits import MAX_OUTPUT
from lib.saga.state.payload import canonical_payload
from lib.saga.state.records import SagaStatus

Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern=r"\S",
        description="a reason of 1 to 500 characters for the audit trail",
    ),
]

#: The status to which an operator can close a saga.
Outcome = Literal["COMPLETED", "ROLLED_BACK"]


class OperatorRequest(Struct, forbid_unknown_fields=True):
    """Which saga, and why."""

    id: SagaId
    reason: Reason


class Skip(OperatorRequest, forbid_unknown_fields=True):
    """Which step is skipped, and its output."""

    step: StepName
    output: Any = UNSET


class Void(OperatorRequest, forbid_unknown_fields=True):
    """Which step was not executed."""

    step: StepName


class Resolve(OperatorRequest, forbid_unknown_fields=True):
    """The status that the operator has brought the saga to by hand: COMPLETED or ROLLED_BACK."""

    outcome: Outcome


class Bulk(Struct, forbid_unknown_fields=True):
    """One verb for a page of sagas with one status; by default a dry run."""

    verb: Verb
    reason: Reason
    status: SagaStatus
    name: SagaName | None = None
    dry_run: bool = True
    step: StepName | None = None
    output: Any = UNSET
    outcome: Outcome | None = None
    page_size: PageSize = 50
    page_token: PageToken = None


def _apply(
    operator: Operator, body: OperatorRequest, verb: Callable[..., inputs.SagaRequest], **what: Any
) -> dict[str, Any]:
    annotate(saga=body.id)
    return view.summarize_saga(operator.apply(body.id, verb, body.reason, **what))


def _encode(output: Any | UnsetType) -> str | None:
    if output is UNSET:
        return None
    return canonical_payload(output, object, limit=MAX_OUTPUT, field="output")


@endpoint("POST", status=202, invoker="operator")
def cancel_saga(body: OperatorRequest, operator: Operator, request: flask.Request) -> Reply:
    """Roll the saga back once in-flight steps have finished. Idempotent."""
    return accept(request, "cancel-saga", _apply(operator, body, inputs.CancelRequested))


@endpoint("POST", invoker="operator")
def pause_saga(body: OperatorRequest, operator: Operator) -> dict[str, Any]:
    """Start no more steps of a saga and its children; in-flight steps finish. Idempotent."""
    return _apply(operator, body, inputs.PauseRequested)


@endpoint("POST", status=202, invoker="operator")
def resume_saga(body: OperatorRequest, operator: Operator, request: flask.Request) -> Reply:
    """Let a paused saga and its children continue. Idempotent."""
    return accept(request, "resume-saga", _apply(operator, body, inputs.ResumeRequested))


@endpoint("POST", invoker="operator")
def park_saga(body: OperatorRequest, operator: Operator) -> dict[str, Any]:
    """Park a saga for an operator, in any unfinished state: FAILED, with an alert."""
    return _apply(operator, body, inputs.ParkRequested)


@endpoint("POST", status=202, invoker="operator")
def retry_saga(body: OperatorRequest, operator: Operator, request: flask.Request) -> Reply:
    """Retry the failed step or compensation; a parked saga continues."""
    return accept(request, "retry-saga", _apply(operator, body, inputs.RetryRequested))


@endpoint("POST", status=202, invoker="operator")
def skip_saga_step(body: Skip, operator: Operator, request: flask.Request) -> Reply:
    """Treat a failed step or compensation as done, with the given output."""
    return accept(
        request,
        "skip-saga-step",
        _apply(operator, body, inputs.SkipRequested, step=body.step, output=_encode(body.output)),
    )


@endpoint("POST", status=202, invoker="operator")
def void_saga_step(body: Void, operator: Operator, request: flask.Request) -> Reply:
    """Treat a failed step as not executed: the saga rolls back."""
    return accept(
        request, "void-saga-step", _apply(operator, body, inputs.VoidRequested, step=body.step)
    )


@endpoint("POST", invoker="operator")
def resolve_saga(body: Resolve, operator: Operator) -> dict[str, Any]:
    """Close a parked saga that an operator has finished by hand."""
    return _apply(operator, body, inputs.ResolveRequested, outcome=SagaStatus(body.outcome))


@endpoint("POST", invoker="operator")
def operate_sagas(body: Bulk, operator: Operator) -> dict[str, Any]:
    """Apply a verb to a page of sagas; with `dry_run`, only return what would change."""
    request = make_request(
        body.verb,
        {"actor": operator.name, "reason": body.reason, "id": operator.key},
        step=body.step,
        output=_encode(body.output),
        outcome=body.outcome,
    )
    page = view.find_page(
        operator.engine.repository, body.status, body.name, body.page_size, body.page_token
    )
    changes = apply_to_each(operator.engine, page.items, request, dry_run=body.dry_run)
    return {"dry_run": body.dry_run, **view.show_page(page, changes)}
