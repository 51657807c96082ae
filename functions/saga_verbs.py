"""What an operator does to sagas: each verb takes a reason, and the audit trail names the caller.

A verb that makes no sense in a saga's state is refused with 409 and changes nothing.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from functions.sagas import SagaId, SagaName, StepName
from lib.http import endpoint
from lib.logs import annotate
from lib.paging import PageSize, PageToken
from lib.saga.engine import Engine
from lib.saga.limits import LARGEST_OUTPUT
from lib.saga.machine import happened
from lib.saga.operators import view
from lib.saga.operators.operating import Verb, apply_to_each, make_request
from lib.saga.payload import canonical_payload
from lib.saga.records import SagaStatus

Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


class Instruction(Struct, forbid_unknown_fields=True):
    """Which saga, and why."""

    id: SagaId
    reason: Reason


class Skip(Instruction, forbid_unknown_fields=True):
    """Which failed step, if there are several, and the output that it is to have had."""

    step: StepName | None = None
    output: Any = UNSET


class Resolve(Instruction, forbid_unknown_fields=True):
    """What the saga was brought to by hand: COMPLETED or ROLLED_BACK."""

    outcome: SagaStatus


class Bulk(Struct, forbid_unknown_fields=True):
    """One verb for a page of the sagas of a status; by default only what it would do is told."""

    verb: Verb
    reason: Reason
    status: SagaStatus
    name: SagaName | None = None
    dry_run: bool = True
    output: Any = UNSET
    outcome: SagaStatus | None = None
    page_size: PageSize = 50
    page_token: PageToken = None


def _tell(engine: Engine, saga_id: str, request: happened.Asked) -> dict[str, Any]:
    annotate(saga=saga_id)
    return view.summarize_saga(engine.tell(saga_id, request))


def _encode(output: Any | UnsetType) -> str | None:
    if output is UNSET:
        return None
    return canonical_payload(output, object, limit=LARGEST_OUTPUT, field="output")


@endpoint("POST", status=202, invoker="operator")
def cancel_saga(body: Instruction, engine: Engine, caller: str) -> dict[str, Any]:
    """Have a saga rolled back: what it did is compensated, after the steps in flight."""
    request = happened.CancelRequested(actor=caller, reason=body.reason)
    return _tell(engine, body.id, request)


@endpoint("POST", invoker="operator")
def pause_saga(body: Instruction, engine: Engine, caller: str) -> dict[str, Any]:
    """Let nothing new begin in a saga; what is in flight ends and is recorded."""
    return _tell(engine, body.id, happened.PauseRequested(actor=caller, reason=body.reason))


@endpoint("POST", status=202, invoker="operator")
def resume_saga(body: Instruction, engine: Engine, caller: str) -> dict[str, Any]:
    """Let a paused saga go on."""
    return _tell(engine, body.id, happened.ResumeRequested(actor=caller, reason=body.reason))


@endpoint("POST", status=202, invoker="operator")
def retry_saga(body: Instruction, engine: Engine, caller: str) -> dict[str, Any]:
    """Let a parked saga go on from the step, or the compensation, that has failed."""
    return _tell(engine, body.id, happened.RetryRequested(actor=caller, reason=body.reason))


@endpoint("POST", status=202, invoker="operator")
def skip_saga_step(body: Skip, engine: Engine, caller: str) -> dict[str, Any]:
    """Take a failed step, or compensation, of a parked saga as done, with a stated output."""
    request = happened.SkipRequested(
        actor=caller, reason=body.reason, step=body.step or "", output=_encode(body.output)
    )
    return _tell(engine, body.id, request)


@endpoint("POST", invoker="operator")
def resolve_saga(body: Resolve, engine: Engine, caller: str) -> dict[str, Any]:
    """Close a parked saga that was brought to its end by hand."""
    request = happened.ResolveRequested(actor=caller, reason=body.reason, outcome=body.outcome)
    return _tell(engine, body.id, request)


@endpoint("POST", invoker="operator")
def operate_sagas(body: Bulk, engine: Engine, caller: str) -> dict[str, Any]:
    """Do one thing to a page of sagas, or, with `dry_run`, only tell what it would change."""
    request = make_request(
        body.verb, caller, body.reason, output=_encode(body.output), outcome=body.outcome
    )
    page = view.find_page(engine.journal, body.status, body.name, body.page_size, body.page_token)
    changes = apply_to_each(engine, page.items, request, dry_run=body.dry_run)
    return {"dry_run": body.dry_run, **view.show_page(page, changes)}
