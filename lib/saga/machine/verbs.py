"""What an operator can do to a saga; what makes no sense is refused with Conflict."""

from lib.errors import Conflict, NotFound
from lib.saga.definition import Saga, StepKind
from lib.saga.machine.backward import go_back
from lib.saga.machine.causes import Cause
from lib.saga.machine.draft import Draft
from lib.saga.machine.forward import begin_parts, settle, stop
from lib.saga.machine.happened import (
    CancelRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    RevertRequested,
    SkipRequested,
)
from lib.saga.machine.scheduling import repeat
from lib.saga.records import (
    ACTIVE,
    FINISHED,
    FORWARD,
    SagaRecord,
    SagaStatus,
    StepRecord,
    StepStatus,
)

BROKEN = frozenset({StepStatus.FAILED, StepStatus.COMPENSATION_FAILED})


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
    stop(definition, draft, Cause.CANCELLED)


def revert(definition: Saga, draft: Draft, request: RevertRequested) -> None:
    """Roll a child saga back with its parent, whatever it has done; what is rolled back stays so.

    A parked one is left to its operator: it goes back once it is retried.
    """
    saga = draft.saga
    if saga.status in (SagaStatus.ROLLING_BACK, SagaStatus.ROLLED_BACK) or saga.stopping:
        return
    if definition.has_pivot:
        raise Conflict(f"saga {saga.id} has a pivot and cannot be rolled back")
    draft.note(Cause.PARENT_ROLLS_BACK, actor=request.actor, error=request.reason)
    if saga.paused:
        _lift_pause(draft)
    if saga.status is SagaStatus.COMPLETED:
        saga.parent_told, saga.result, saga.epoch = False, None, 0
        draft.move_saga(SagaStatus.ROLLING_BACK, Cause.PARENT_ROLLS_BACK, error=request.reason)
        saga.expires_at = None
        _go_back_again(definition, draft)
    elif saga.status is SagaStatus.FAILED:
        if saga.parked_in in FORWARD:
            saga.stopping = Cause.PARENT_ROLLS_BACK
    else:
        stop(definition, draft, Cause.PARENT_ROLLS_BACK, request.reason)


def pause(draft: Draft, request: PauseRequested) -> None:
    """Let nothing new begin; what is in flight ends and is recorded."""
    if draft.saga.status not in ACTIVE or draft.saga.paused:
        raise Conflict(f"saga {draft.saga.id} is {_state(draft.saga)} and cannot be paused")
    draft.saga.paused = True
    draft.note(Cause.PAUSED, actor=request.actor, error=request.reason)


def resume(draft: Draft, request: ResumeRequested) -> None:
    """Let a paused saga go on."""
    if not draft.saga.paused:
        raise Conflict(f"saga {draft.saga.id} is {_state(draft.saga)}, not paused")
    draft.note(Cause.RESUMED, actor=request.actor, error=request.reason)
    _lift_pause(draft)


def retry(definition: Saga, draft: Draft, request: RetryRequested) -> None:
    """Let a parked saga go on from what has failed, with all attempts anew."""
    _check_parked(draft, "retried")
    broken = _broken(draft)
    draft.unpark(Cause.RETRIED, request.actor, request.reason)
    if draft.saga.status is SagaStatus.ROLLING_BACK:
        for step in broken:
            status = _before_compensation(step)
            draft.move_step(step.index, status, Cause.RETRIED, actor=request.actor, uncertain=True)
        _go_back_again(definition, draft)
        return
    stage = definition.stage_of(draft.saga.current_step)
    for index in stage:
        if draft.steps[index].awaits:
            repeat(draft, index, Cause.RETRIED)
        elif draft.steps[index].status in BROKEN:
            draft.move_step(index, StepStatus.PENDING, Cause.RETRIED, actor=request.actor)
    if draft.saga.stopping:
        stop(definition, draft, draft.saga.stopping)
    else:
        begin_parts(definition, draft, [i for i in stage if _is_unbegun(draft.steps[i])])


def skip(definition: Saga, draft: Draft, request: SkipRequested) -> None:
    """Take a failed step, or compensation, of a parked saga as done; go on if it was the last."""
    _check_parked(draft, "skipped")
    broken = _broken(draft)
    chosen = [step for step in broken if request.step in ("", step.name)]
    if not chosen:
        raise NotFound(f"saga {draft.saga.id} has no failed step {request.step!r}", field="step")
    if len(chosen) > 1:
        names = ", ".join(step.name for step in chosen)
        raise Conflict(f"several steps have failed: say which, of {names}", field="step")
    [step] = chosen
    output = request.output if draft.saga.parked_in in FORWARD else step.output
    draft.move_step(
        step.index,
        StepStatus.SKIPPED,
        Cause.SKIPPED_BY_HAND,
        actor=request.actor,
        error=request.reason,
        output=output,
        uncertain=False,
    )
    if len(broken) > 1:
        return
    draft.unpark(Cause.SKIPPED_BY_HAND, request.actor, request.reason)
    if draft.saga.status is SagaStatus.ROLLING_BACK:
        _go_back_again(definition, draft)
    else:
        settle(definition, draft)


def resolve(draft: Draft, request: ResolveRequested) -> None:
    """Take a parked saga as ended: somebody has seen to it."""
    _check_parked(draft, "resolved")
    if request.outcome not in FINISHED:
        raise Conflict(f"a saga is resolved to one of {', '.join(sorted(FINISHED))}")
    draft.close(request.outcome, Cause.RESOLVED, request.actor, request.reason)
    draft.saga.stopping = ""


def _check_parked(draft: Draft, what: str) -> None:
    if draft.saga.status is not SagaStatus.FAILED:
        raise Conflict(
            f"saga {draft.saga.id} is {_state(draft.saga)}: only a parked (FAILED) one is {what}"
        )


def _state(saga: SagaRecord) -> str:
    return f"{saga.status}, paused" if saga.paused else str(saga.status)


def _broken(draft: Draft) -> list[StepRecord]:
    wanted = StepStatus.FAILED
    if draft.saga.parked_in is SagaStatus.ROLLING_BACK:
        wanted = StepStatus.COMPENSATION_FAILED
    return [step for step in draft.steps if step.status is wanted]


def _is_unbegun(step: StepRecord) -> bool:
    return step.status is StepStatus.PENDING and step.awaits is None


def _before_compensation(step: StepRecord) -> StepStatus:
    return StepStatus.FAILED if step.output is None else StepStatus.COMPLETED


def _go_back_again(definition: Saga, draft: Draft) -> None:
    """Compensate from the end: with others left, a later stage may have failed before."""
    draft.saga.current_step = definition.stages[-1].start
    go_back(definition, draft)


def _lift_pause(draft: Draft) -> None:
    """Have everything delivered again that may have come while the saga was paused."""
    draft.saga.paused = False
    for step in list(draft.steps):
        if step.awaits:
            repeat(draft, step.index, Cause.RESUMED)


def _is_cancellable(definition: Saga, draft: Draft) -> bool:
    """Tell whether a saga may still be undone: a pivot that may have happened forbids it."""
    index = draft.saga.current_step
    kind = definition.kind_of(index)
    if draft.saga.status not in FORWARD or kind is StepKind.RETRIABLE:
        return False
    return kind is StepKind.COMPENSATABLE or not draft.steps[index].uncertain
