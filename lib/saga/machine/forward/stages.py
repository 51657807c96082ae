"""How the saga enters a stage, and what it does when all steps of the stage have ended."""

from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.backward import roll_back
from lib.saga.machine.causes import Cause, cause_of
from lib.saga.machine.decision.draft import Draft
from lib.saga.state.records import FORWARD, SagaStatus, StepRecord, StepStatus

#: A step that ended in one of these lets the saga continue.
PASSED = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})


def complete_step(
    definition: Saga, draft: Draft, index: int, cause: str, output: str | None, actor: str = ""
) -> None:
    """Complete a step, and move on if it was the last of its stage."""
    draft.mark_running()
    draft.move_step(index, StepStatus.COMPLETED, cause, actor=actor, output=output, awaits=None)
    advance(definition, draft)


def advance(definition: Saga, draft: Draft) -> None:
    """When all steps of the stage have ended, enter the next one, roll back or park the saga.

    In a parked saga this does nothing: the end of the step is only recorded.
    """
    if draft.saga.status not in FORWARD:
        return
    stage = definition.stage_of(draft.saga.current_step)
    if any(draft.steps[index].is_open for index in stage):
        _report_failed(definition, draft, stage)
        return
    failed = [draft.steps[index] for index in stage if draft.steps[index].status not in PASSED]
    kind = definition.kind_of(stage.start)
    reason = _reason_of(failed)
    certain = not any(step.maybe_applied for step in failed)
    if failed and (kind is StepKind.RETRIABLE or (kind is StepKind.PIVOT and not certain)):
        draft.park(failed[-1].index, Cause.FAILED_PAST_PIVOT, reason)
    elif failed or (draft.saga.stopping and kind is StepKind.COMPENSATABLE):
        cause = cause_of(draft.saga.stopping) or Cause.STEP_FAILED
        roll_back(definition, draft, cause, draft.saga.error or reason)
    else:
        _enter_next(definition, draft, definition.stages.index(stage) + 1)


def enter(definition: Saga, draft: Draft, number: int) -> None:
    """Begin a stage, unless all stages are done or the deadline has passed."""
    if number == len(definition.stages):
        _finish(draft)
        return
    stage = definition.stages[number]
    draft.saga.current_step = stage.start
    if deadline_has_passed(definition, draft, stage.start):
        draft.mark_running()
        roll_back(definition, draft, Cause.DEADLINE_PASSED, Cause.DEADLINE_PASSED)
    else:
        draft.to_begin = stage


def deadline_has_passed(definition: Saga, draft: Draft, index: int) -> bool:
    """Return whether it is too late to begin a step; a step after the pivot has no deadline."""
    deadline = draft.saga.deadline_at
    has_way_back = definition.kind_of(index) is not StepKind.RETRIABLE
    return has_way_back and deadline is not None and draft.now >= deadline


def _report_failed(definition: Saga, draft: Draft, stage: range) -> None:
    """Alert an operator to a step that failed after the pivot, while other steps still run."""
    failed = [step for step in draft.steps[stage.start : stage.stop] if step.has_failed]
    if failed and definition.kind_of(stage.start) is StepKind.RETRIABLE:
        draft.call_operator(failed[-1].index, Cause.FAILED_PAST_PIVOT, _reason_of(failed))


def _reason_of(failed: list[StepRecord]) -> str:
    return "; ".join(f"step {step.name}: {step.error}" for step in failed if step.error)


def _enter_next(definition: Saga, draft: Draft, number: int) -> None:
    if draft.saga.stopping:
        draft.saga.stopping, draft.saga.error = "", ""
        draft.note(Cause.TOO_LATE_TO_CANCEL)
    enter(definition, draft, number)


def _finish(draft: Draft) -> None:
    draft.mark_running()
    draft.move_saga(SagaStatus.COMPLETED, Cause.ALL_STEPS_COMPLETED)
    if draft.saga.parent_id:
        draft.saga.result = draft.steps[-1].output
