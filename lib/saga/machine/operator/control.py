"""What an operator can do to a saga; what makes no sense is refused with Conflict."""

from msgspec import UNSET

from lib.errors import Conflict
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.backward import compensate_next
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import stop
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
    """Roll a saga back, after the steps in flight; twice is once. It lifts a pause."""
    saga = draft.saga
    if not _is_cancellable(definition, draft):
        state = "at or past its pivot" if saga.status in FORWARD else saga.status
        raise Conflict(f"saga {saga.id} is {state} and can no longer be cancelled")
    if saga.stopping == Cause.CANCELLED:
        return
    draft.note(Cause.CANCEL_REQUESTED, actor=request.actor, error=request.reason)
    if saga.paused:
        _lift_pause(draft)
    if saga.stopping:
        return
    stop(definition, draft, Cause.CANCELLED, request.reason)


def revert(definition: Saga, draft: Draft, request: RevertRequested) -> None:
    """Roll a child saga back with its parent, whatever it has done; what is rolled back stays so.

    A parked one is left to its operator: it goes back once it is retried.
    """
    saga = draft.saga
    goes_back = saga.status is SagaStatus.ROLLING_BACK or bool(saga.stopping)
    if saga.status is SagaStatus.ROLLED_BACK or (goes_back and not saga.paused):
        return
    if definition.has_pivot:
        raise Conflict(f"saga {saga.id} has a pivot and cannot be rolled back")
    draft.note(Cause.PARENT_ROLLS_BACK, actor=request.actor, error=request.reason)
    if saga.paused:
        _lift_pause(draft)
    if goes_back:
        return
    if saga.status is SagaStatus.COMPLETED:
        saga.parent_told, saga.result, saga.epoch = False, None, 0
        draft.move_saga(SagaStatus.ROLLING_BACK, Cause.PARENT_ROLLS_BACK, error=request.reason)
        saga.expires_at = None
        compensate_next(definition, draft)
    elif saga.status is SagaStatus.FAILED:
        if saga.parked_in in FORWARD:
            saga.stopping = Cause.PARENT_ROLLS_BACK
    else:
        stop(definition, draft, Cause.PARENT_ROLLS_BACK, request.reason)


def pause(draft: Draft, request: PauseRequested) -> None:
    """Let nothing new begin; what is in flight ends and is recorded. Idempotent."""
    if draft.saga.status not in ACTIVE:
        raise Conflict(f"saga {draft.saga.id} is {draft.saga.state} and cannot be paused")
    if draft.saga.paused and not _is_news(draft, request):
        return
    draft.saga.paused = True
    draft.note(Cause.PAUSED, actor=request.actor, error=request.reason)
    draft.saga.pause_number = draft.saga.sequence
    _follow(draft, request)


def resume(draft: Draft, request: ResumeRequested) -> None:
    """Let a paused saga go on. Idempotent."""
    if draft.saga.paused or _is_news(draft, request):
        draft.note(Cause.RESUMED, actor=request.actor, error=request.reason)
        if draft.saga.paused:
            _lift_pause(draft)
        _follow(draft, request)
    elif draft.saga.status not in ACTIVE:
        raise Conflict(f"saga {draft.saga.id} is {draft.saga.state}, not paused")


def park(draft: Draft, request: ParkRequested) -> None:
    """Give a saga up to an operator, whatever it does or waits for. Idempotent.

    What is in flight ends and is recorded; nothing comes of it until the saga goes on.
    """
    saga = draft.saga
    if saga.status in FINISHED:
        raise Conflict(f"saga {saga.id} is {saga.state} and cannot be parked")
    if saga.status is SagaStatus.FAILED:
        return
    waits = (step.index for step in draft.steps if step.is_open)
    step = next(waits, saga.current_step)
    draft.park(step, Cause.PARKED_BY_HAND, request.reason, actor=request.actor)


def resolve(draft: Draft, request: ResolveRequested) -> None:
    """Take a parked saga as ended: somebody has seen to it."""
    saga = draft.saga
    if saga.status is not SagaStatus.FAILED:
        raise Conflict(
            f"saga {saga.id} is {saga.state}: only a parked (FAILED) one is resolved; park it first"
        )
    if request.outcome not in FINISHED:
        raise Conflict(f"a saga is resolved to one of {', '.join(sorted(FINISHED))}")
    if request.outcome is SagaStatus.ROLLED_BACK:
        saga.error = saga.error or saga.parked_because or request.reason
    _close_steps(draft, request)
    draft.close(request.outcome, Cause.RESOLVED, request.actor, request.reason)
    saga.stopping = ""


def _close_steps(draft: Draft, request: ResolveRequested) -> None:
    """Wait for nothing any more; what may have run is compensated if the parent rolls back."""
    for step in [step for step in draft.steps if step.is_open]:
        if step.status in (StepStatus.PENDING, StepStatus.WAITING):
            ran = bool(step.child) or (step.status is StepStatus.PENDING and not step.unbegun)
            draft.move_step(
                step.index,
                StepStatus.CANCELLED,
                Cause.RESOLVED,
                actor=request.actor,
                error=request.reason,
                uncertain=step.uncertain or ran,
                awaits=None,
            )
        else:
            draft.change_step(step.index, awaits=None)


def _is_news(draft: Draft, request: PauseRequested | ResumeRequested) -> bool:
    """Tell whether a saga has not followed its parent so far."""
    return request.parent_pause not in (UNSET, draft.saga.parent_pause)


def _follow(draft: Draft, request: PauseRequested | ResumeRequested) -> None:
    if request.parent_pause is not UNSET:
        draft.saga.parent_pause = request.parent_pause


def _lift_pause(draft: Draft) -> None:
    """Have everything delivered again that may have come while the saga was paused."""
    draft.saga.paused, draft.saga.pause_number = False, draft.saga.sequence
    for step in list(draft.steps):
        if step.awaits:
            redeliver_step(draft, step.index, Cause.RESUMED)


def _is_cancellable(definition: Saga, draft: Draft) -> bool:
    """Tell whether a saga may still be undone: a pivot that may have happened forbids it."""
    index = draft.saga.current_step
    kind = definition.kind_of(index)
    if draft.saga.status not in FORWARD or kind is StepKind.RETRIABLE:
        return False
    return kind is StepKind.COMPENSATABLE or not draft.steps[index].uncertain
