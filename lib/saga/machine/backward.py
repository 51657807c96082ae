"""The rollback: compensations in reverse order, stage by stage."""

from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import AttemptEnded, Result
from lib.saga.machine.schedule import schedule, schedule_retry
from lib.saga.state.records import SagaStatus, StepRecord, StepStatus

#: A step in one of these statuses has no effect to undo, unless `maybe_applied` says otherwise.
NOT_DONE = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


def roll_back(definition: Saga, draft: Draft, cause: str, error: str = "") -> None:
    """Start the rollback at the current stage; end the saga if no step needs compensation."""
    draft.move_saga(SagaStatus.ROLLING_BACK, cause, error=error)
    draft.saga.stopping = ""
    compensate_next(definition, draft)


def compensate_next(definition: Saga, draft: Draft) -> None:
    """Compensate the last stage that still needs it; if none does, end or park the saga."""
    for stage in reversed(definition.stages):
        open_ = [i for i in stage if draft.steps[i].is_open]
        needing = [i for i in stage if needs_compensation(definition.elements[i], draft.steps[i])]
        if open_ or needing:
            draft.saga.current_step = stage.start
            for index in sorted(set(needing) - set(open_)):
                schedule(definition, draft, index, Phase.COMPENSATE)
            return
    failed = _failed(draft)
    if failed:
        _park(draft, failed)
    else:
        draft.move_saga(SagaStatus.ROLLED_BACK, Cause.ALL_STEPS_COMPENSATED)


def needs_compensation(element: Element, step: StepRecord) -> bool:
    """Return whether a step may have had an effect that can be compensated."""
    completed, not_done = step.status is StepStatus.COMPLETED, step.status in NOT_DONE
    applied = completed or (not_done and step.maybe_applied)
    return applied and element.can_be_undone


def record_compensation(definition: Saga, draft: Draft, ended: AttemptEnded) -> None:
    """Record the end of one attempt of a compensation."""
    step = draft.steps[ended.step]
    if draft.saga.course is not SagaStatus.ROLLING_BACK or step.awaits is not Phase.COMPENSATE:
        draft.ignore(NoChange.STALE)
    elif ended.result is Result.DONE:
        compensate_step(definition, draft, ended.step, Cause.STEP_COMPENSATED)
    elif step.attempt != ended.attempt:
        draft.ignore(NoChange.STALE)
    elif ended.result is Result.IN_PROGRESS:
        draft.move_step(ended.step, StepStatus.WAITING, Cause.STEP_WAITING, awaits=None)
    else:
        _record_failure(definition, draft, ended)


def compensate_step(definition: Saga, draft: Draft, index: int, cause: str) -> None:
    """Mark a step as compensated, and move on if it was the last of its stage."""
    draft.move_step(index, StepStatus.COMPENSATED, cause, awaits=None)
    advance_rollback(definition, draft)


def advance_rollback(definition: Saga, draft: Draft) -> None:
    """When the whole stage has been compensated, go to the stage before it, or park the saga.

    In a parked saga this does nothing: the end of the compensation is only recorded. A compensation
    that is out of attempts alerts an operator at once, even if other steps have not ended.
    """
    if draft.saga.status is not SagaStatus.ROLLING_BACK:
        return
    stage, failed = definition.stage_of(draft.saga.current_step), _failed(draft)
    halts = definition.on_compensation_failure is OnCompensationFailure.HALT
    if not any(draft.steps[index].is_open for index in stage):
        if failed and halts:
            _park(draft, failed)
        else:
            compensate_next(definition, draft)
    if failed and draft.saga.status is SagaStatus.ROLLING_BACK:
        draft.call_operator(failed[-1].index, Cause.COMPENSATION_FAILED, _reason_of(failed))


def _record_failure(definition: Saga, draft: Draft, ended: AttemptEnded) -> None:
    policy = definition.policy_of(ended.step, Phase.COMPENSATE)
    if schedule_retry(definition, draft, ended, policy):
        return
    draft.move_step(
        ended.step,
        StepStatus.COMPENSATION_FAILED,
        Cause.COMPENSATION_FAILED,
        error=ended.error,
        awaits=None,
    )
    advance_rollback(definition, draft)


def _failed(draft: Draft) -> list[StepRecord]:
    return [step for step in draft.steps if step.status is StepStatus.COMPENSATION_FAILED]


def _park(draft: Draft, failed: list[StepRecord]) -> None:
    draft.park(failed[-1].index, Cause.COMPENSATION_FAILED, _reason_of(failed))


def _reason_of(failed: list[StepRecord]) -> str:
    return "; ".join(f"compensation of {step.name}: {step.error}" for step in failed)
