"""The way back: compensations in reverse order, stage after stage."""

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Part
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import AttemptEnded, ChildEnded, Result
from lib.saga.machine.schedule import schedule, schedule_retry
from lib.saga.state.records import SagaStatus, StepRecord, StepStatus

#: A step that ended so has had its effect only if that is uncertain.
NOT_DONE = frozenset({StepStatus.FAILED, StepStatus.CANCELLED})


def roll_back(definition: Saga, draft: Draft, cause: str, error: str = "") -> None:
    """Begin to compensate, the present stage first; or end: there is nothing to make good."""
    draft.move_saga(SagaStatus.ROLLING_BACK, cause, error=error)
    draft.saga.stopping = ""
    compensate_next(definition, draft)


def compensate_next(definition: Saga, draft: Draft) -> None:
    """Compensate the last stage that still needs it, or end the saga."""
    for stage in reversed(definition.stages):
        open_ = [i for i in stage if draft.steps[i].is_open]
        needing = [i for i in stage if needs_compensation(definition.parts[i], draft.steps[i])]
        if open_ or needing:
            draft.saga.current_step = stage.start
            for index in sorted(set(needing) - set(open_)):
                schedule(definition, draft, index, Phase.COMPENSATE)
            return
    failed = _failed(draft)
    if failed:
        _park(draft, failed)
    else:
        draft.move_saga(SagaStatus.ROLLED_BACK, Cause.ALL_MADE_GOOD)


def needs_compensation(part: Part, step: StepRecord) -> bool:
    """Tell whether a step may have had an effect that is to be made good."""
    happened = step.status is StepStatus.COMPLETED or (step.status in NOT_DONE and step.uncertain)
    return happened and part.can_be_undone


def compensated(definition: Saga, draft: Draft, outcome: AttemptEnded) -> None:
    """Take the end of one attempt of a compensation."""
    step = draft.steps[outcome.step]
    if draft.saga.course is not SagaStatus.ROLLING_BACK or step.awaits is not Phase.COMPENSATE:
        return
    if outcome.result is Result.DONE:
        _made_good(definition, draft, outcome.step, Cause.MADE_GOOD)
    elif step.attempt == outcome.attempt and outcome.result is Result.IN_PROGRESS:
        draft.move_step(outcome.step, StepStatus.WAITING, Cause.WAITS, awaits=None)
    elif step.attempt == outcome.attempt:
        _compensation_failed(definition, draft, outcome)


def child_rolled_back(definition: Saga, draft: Draft, ended: ChildEnded) -> None:
    """Take the end of a child saga while its parent goes back."""
    step = draft.steps[ended.step]
    if step.awaits is not Phase.COMPENSATE and step.status is not StepStatus.WAITING:
        return
    if ended.status is SagaStatus.ROLLED_BACK:
        _made_good(definition, draft, ended.step, Cause.CHILD_ROLLED_BACK)
    else:
        # An operator has completed it, before or after it was asked to roll back. An answer to
        # that which is under way speaks of an attempt before this one, and is stale.
        if step.status is StepStatus.WAITING:
            draft.move_step(ended.step, StepStatus.COMPLETED, Cause.CHILD_COMPLETED)
        else:
            draft.note(Cause.CHILD_COMPLETED, step=ended.step)
        schedule(definition, draft, ended.step, Phase.COMPENSATE)


def settle_back(definition: Saga, draft: Draft) -> None:
    """Go on to the stage before once all of this one has been compensated, or park.

    Of a parked saga what ends is recorded, and no more. A compensation that has failed for good
    calls an operator at once, whatever else is still to end.
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
        draft.report(failed[-1].index, Cause.COMPENSATION_FAILED, _reason_of(failed))


def _made_good(definition: Saga, draft: Draft, index: int, cause: str) -> None:
    draft.move_step(index, StepStatus.COMPENSATED, cause, awaits=None)
    settle_back(definition, draft)


def _compensation_failed(definition: Saga, draft: Draft, outcome: AttemptEnded) -> None:
    policy = definition.policy_of(outcome.step, Phase.COMPENSATE)
    if schedule_retry(definition, draft, outcome, policy):
        return
    draft.move_step(
        outcome.step,
        StepStatus.COMPENSATION_FAILED,
        Cause.COMPENSATION_FAILED,
        error=outcome.error,
        awaits=None,
    )
    settle_back(definition, draft)


def _failed(draft: Draft) -> list[StepRecord]:
    return [step for step in draft.steps if step.status is StepStatus.COMPENSATION_FAILED]


def _park(draft: Draft, failed: list[StepRecord]) -> None:
    draft.park(failed[-1].index, Cause.COMPENSATION_FAILED, _reason_of(failed))


def _reason_of(failed: list[StepRecord]) -> str:
    return "; ".join(f"compensation of {step.name}: {step.error}" for step in failed)
