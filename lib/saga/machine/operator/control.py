"""Operators' requests to a whole saga; impossible ones are refused with Conflict."""

from msgspec import UNSET

from lib.errors import Conflict
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.backward import compensate_next
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stop import stop
from lib.saga.machine.inputs import (
    CancelRequested,
    ParkRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RevertRequested,
)
from lib.saga.machine.schedule import redeliver_step
from lib.saga.state.records import (
    ACTIVE,
    FINISHED,
    FORWARD,
    SagaStatus,
    StepStatus,
)


def cancel(definition: Saga, draft: Draft, request: CancelRequested) -> None:
    """Roll the saga back once in-flight steps have finished; lifts a pause. Idempotent."""
    saga = draft.saga
    if not _is_cancellable(definition, draft):
        state = "at or past its pivot" if saga.status in FORWARD else saga.status
        raise Conflict(f"saga {saga.id} is {state} and can no longer be cancelled")
    if saga.stopping == Cause.CANCELLED:
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    draft.note(Cause.CANCEL_REQUESTED, actor=request.actor, error=request.reason)
    if saga.paused:
        _lift_pause(draft)
    if saga.stopping:
        return
    stop(definition, draft, Cause.CANCELLED, request.reason)


def revert(definition: Saga, draft: Draft, request: RevertRequested) -> None:
    """Roll a child saga back with its parent, even if it is COMPLETED. Idempotent.

    A parked child waits for an operator, and rolls back once it is retried. Raises Conflict for a
    saga without a parent or with a pivot.
    """
    saga = draft.saga
    if not saga.parent_id:
        raise Conflict(f"saga {saga.id} has no parent to be rolled back with")
    goes_back = saga.status is SagaStatus.ROLLING_BACK or bool(saga.stopping)
    if saga.status is SagaStatus.ROLLED_BACK or (goes_back and not saga.paused):
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    if definition.has_pivot:
        raise Conflict(f"saga {saga.id} has a pivot and cannot be rolled back")
    draft.note(Cause.PARENT_ROLLED_BACK, actor=request.actor, error=request.reason)
    if saga.paused:
        _lift_pause(draft)
    if goes_back:
        return
    if saga.status is SagaStatus.COMPLETED:
        saga.parent_notified, saga.result, saga.epoch = False, None, 0
        saga.closed_by_hand = False
        draft.move_saga(SagaStatus.ROLLING_BACK, Cause.PARENT_ROLLED_BACK, error=request.reason)
        compensate_next(definition, draft)
    elif saga.status is SagaStatus.FAILED:
        if saga.parked_in in FORWARD:
            saga.stopping = Cause.PARENT_ROLLED_BACK
    else:
        stop(definition, draft, Cause.PARENT_ROLLED_BACK, request.reason)


def pause(draft: Draft, request: PauseRequested) -> None:
    """Begin nothing new; steps in flight finish and are recorded. Idempotent."""
    if draft.saga.status not in ACTIVE:
        raise Conflict(f"saga {draft.saga.id} is {draft.saga.state} and cannot be paused")
    if _is_outdated(draft, request) or (draft.saga.paused and not _is_unfollowed(draft, request)):
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    draft.saga.paused = True
    draft.note(Cause.PAUSED, actor=request.actor, error=request.reason)
    draft.saga.pause_number = draft.saga.sequence
    _follow_parent(draft, request)


def resume(draft: Draft, request: ResumeRequested) -> None:
    """Let a paused saga continue. Idempotent."""
    saga = draft.saga
    is_paused = saga.paused and saga.status not in FINISHED
    if saga.status not in ACTIVE and not is_paused:
        raise Conflict(f"saga {saga.id} is {saga.state}, not paused")
    if _is_outdated(draft, request) or not (is_paused or _is_unfollowed(draft, request)):
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    draft.note(Cause.RESUMED, actor=request.actor, error=request.reason)
    if is_paused:
        _lift_pause(draft)
    _follow_parent(draft, request)


def park(draft: Draft, request: ParkRequested) -> None:
    """Park a saga for an operator, in any unfinished state.

    Idempotent. Steps in flight finish and are recorded; nothing else happens until the saga is
    retried.
    """
    saga = draft.saga
    if saga.status in FINISHED:
        raise Conflict(f"saga {saga.id} is {saga.state} and cannot be parked")
    if saga.status is SagaStatus.FAILED:
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    waits = (step.index for step in draft.steps if step.is_open)
    step = next(waits, saga.current_step)
    draft.park(step, Cause.PARKED_BY_OPERATOR, request.reason, actor=request.actor)


def resolve(draft: Draft, request: ResolveRequested) -> None:
    """Close a parked saga that an operator has finished by hand."""
    saga = draft.saga
    if saga.status is not SagaStatus.FAILED:
        raise Conflict(
            f"saga {saga.id} is {saga.state}: only a FAILED saga can be resolved; park it first"
        )
    if request.outcome not in FINISHED:
        raise Conflict(f"a saga is resolved to one of {', '.join(sorted(FINISHED))}")
    if request.outcome is SagaStatus.ROLLED_BACK:
        saga.error = saga.error or saga.parked_because or request.reason
    _close_steps(draft, request)
    was_paused = saga.paused
    draft.close(request.outcome, Cause.RESOLVED_BY_OPERATOR, request.actor, request.reason)
    saga.stopping, saga.closed_by_hand = "", True
    if was_paused:
        saga.pause_number = saga.sequence


def _close_steps(draft: Draft, request: ResolveRequested) -> None:
    """End all waits; steps that may have run are compensated if the parent rolls back."""
    for step in [step for step in draft.steps if step.is_open]:
        if step.status in (StepStatus.PENDING, StepStatus.WAITING):
            ran = bool(step.child) or (step.status is StepStatus.PENDING and not step.unbegun)
            draft.move_step(
                step.index,
                StepStatus.CANCELLED,
                Cause.RESOLVED_BY_OPERATOR,
                actor=request.actor,
                error=request.reason,
                maybe_applied=step.maybe_applied or ran,
                awaits=None,
            )
        else:
            draft.change_step(step.index, awaits=None)


def _is_unfollowed(draft: Draft, request: PauseRequested | ResumeRequested) -> bool:
    """Return whether a request follows a pause or resume of the parent that is new to the saga."""
    return request.parent_pause is not UNSET and request.parent_pause > draft.saga.parent_pause


def _is_outdated(draft: Draft, request: PauseRequested | ResumeRequested) -> bool:
    """Return whether a request follows one that is older than the last one the saga followed."""
    return request.parent_pause is not UNSET and request.parent_pause < draft.saga.parent_pause


def _follow_parent(draft: Draft, request: PauseRequested | ResumeRequested) -> None:
    if request.parent_pause is not UNSET:
        draft.saga.parent_pause = request.parent_pause


def _lift_pause(draft: Draft) -> None:
    """End a pause, and redeliver deliveries that may have arrived during it."""
    draft.saga.paused, draft.saga.pause_number = False, draft.saga.sequence
    for step in list(draft.steps):
        if step.awaits:
            redeliver_step(draft, step.index, Cause.RESUMED)


def _is_cancellable(definition: Saga, draft: Draft) -> bool:
    """Return whether a saga can still roll back: not if its pivot may have run."""
    index = draft.saga.current_step
    kind = definition.kind_of(index)
    if draft.saga.status not in FORWARD or kind is StepKind.RETRIABLE:
        return False
    return kind is StepKind.COMPENSATABLE or not draft.steps[index].maybe_applied
