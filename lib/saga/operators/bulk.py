"""Operators' verbs for many sagas at once; a dry run only shows the changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lib.errors import AmendsError, Invalid
from lib.observability.logs import log
from lib.observability.stack_traces import describe_stack
from lib.saga.engine.engine import Engine
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    SagaRequest,
    SkipRequested,
    VoidRequested,
)
from lib.saga.state.records import Loaded, SagaRecord, SagaStatus


class Verb(StrEnum):
    """What an operator can do to many sagas."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"
    VOID = "void"
    PARK = "park"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaChange:
    """What a verb does to one saga: its status before and after, and its steps that change status.

    `next` lists the deliveries that the saga then waits for. `refused` is the reason why the verb
    was refused.
    """

    id: str
    before: SagaStatus
    after: SagaStatus
    steps: dict[str, str] = field(default_factory=dict)
    next: list[str] = field(default_factory=list)
    refused: str | None = None


def make_request(
    verb: Verb,
    who: Mapping[str, Any],
    *,
    step: str | None = None,
    output: str | None = None,
    outcome: str | None = None,
) -> SagaRequest:
    """Return the request of a verb; raise Invalid if a field is missing.

    `who` has the fields that all requests have: the actor, the reason and so on.
    """
    if verb is Verb.RESOLVE:
        if outcome is None:
            raise Invalid("resolve needs an outcome", field="outcome")
        return ResolveRequested(**who, outcome=SagaStatus(outcome))
    if verb in (Verb.SKIP, Verb.VOID):
        if step is None:
            raise Invalid(f"{verb} needs a step", field="step")
        if verb is Verb.VOID:
            return VoidRequested(**who, step=step)
        return SkipRequested(**who, step=step, output=output)
    simple: dict[Verb, Callable[..., SagaRequest]] = {
        Verb.CANCEL: CancelRequested,
        Verb.PARK: ParkRequested,
        Verb.PAUSE: PauseRequested,
        Verb.RESUME: ResumeRequested,
        Verb.RETRY: RetryRequested,
    }
    return simple[verb](**who)


def apply_to_each(
    engine: Engine, sagas: Iterable[SagaRecord], request: SagaRequest, *, dry_run: bool
) -> list[SagaChange]:
    """Apply a request to each saga, or only preview it; a refusal does not stop the others."""
    return [_apply(engine, saga, request, dry_run) for saga in sagas]


def _apply(engine: Engine, saga: SagaRecord, request: SagaRequest, dry_run: bool) -> SagaChange:
    try:
        loaded, decision = engine.preview(saga.id, request)
        change = describe(loaded, decision)
        if not dry_run:
            engine.apply(saga.id, replace(request, sequence=loaded.saga.sequence))
    except AmendsError as refusal:
        return _refuse(saga, refusal.detail)
    except Exception as problem:  # any error of one saga, such as a payload that is not JSON
        log("ERROR", "a verb failed", saga=saga.id, error=type(problem).__name__,
            stack=describe_stack(problem))  # fmt: skip
        return _refuse(saga, "an unexpected error occurred; it was logged")
    return change


def _refuse(saga: SagaRecord, reason: str) -> SagaChange:
    return SagaChange(id=saga.id, before=saga.status, after=saga.status, refused=reason)


def describe(loaded: Loaded, decision: Decision) -> SagaChange:
    """Return what a decision changes, as plain data."""
    moved = {
        new.name: f"{loaded.steps[new.index].status} -> {new.status}"
        for new in decision.steps
        if new.status != loaded.steps[new.index].status
    }
    due = [
        f"{each.phase} {loaded.steps[each.step].name}"
        for each in decision.deliveries
        if each.saga_id == loaded.saga.id
    ]
    return SagaChange(
        id=loaded.saga.id,
        before=loaded.saga.status,
        after=decision.saga.status,
        steps=moved,
        next=due,
    )
