"""Operators' requests after a failure: retry the step, skip it, or void it.

All three work for a parked saga, and for a running one with a step that is out of attempts. For any
other they raise Conflict.
"""

from lib.errors import Conflict, Invalid, NotFound
from lib.saga.definition.element import Element
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.backward import compensate_next
from lib.saga.machine.causes import Cause, cause_of
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stop import is_stopping, stop
from lib.saga.machine.inputs import Requested, RetryRequested, SkipRequested, VoidRequested
from lib.saga.machine.schedule import redeliver_step
from lib.saga.state.mismatch import mismatch_of
from lib.saga.state.records import FORWARD, SagaStatus, StepRecord, StepStatus


def retry(definition: Saga, draft: Draft, request: RetryRequested) -> None:
    """Retry the failed steps with a full count of attempts; a parked saga continues."""
    _check_failed(draft, "retried")
    failed, cause = _failed(draft), Cause.RETRIED_BY_OPERATOR
    _dismiss(draft, cause, request)
    if draft.saga.status is SagaStatus.ROLLING_BACK:
        for step in failed:
            status = _before_compensation(step)
            draft.move_step(
                step.index,
                status,
                Cause.RETRIED_BY_OPERATOR,
                actor=request.actor,
                maybe_applied=True,
            )
            draft.keep_error(step.index, step.error)
        compensate_next(definition, draft)
        return
    for step in failed if not is_stopping(definition, draft) else ():
        draft.move_step(
            step.index, StepStatus.PENDING, Cause.RETRIED_BY_OPERATOR, actor=request.actor
        )
        draft.keep_error(step.index, step.error)
    _resume_forward(definition, draft)


def skip(definition: Saga, draft: Draft, request: SkipRequested) -> None:
    """Treat a failed step, or compensation, as done; continue if no other has failed.

    In a parked saga the step may also be unfinished. Raises NotFound if there is no such step, and
    Invalid if the output does not fit the step's declared type.
    """
    step = _choose(draft, request.step, "skipped")
    output = step.output
    if draft.saga.course in FORWARD:
        output = request.output
        _check_output(definition.elements[step.index], output)
    draft.move_step(
        step.index,
        StepStatus.SKIPPED,
        Cause.SKIPPED_BY_OPERATOR,
        actor=request.actor,
        error=request.reason,
        output=output,
        maybe_applied=False,
        awaits=None,
    )
    _go_on(definition, draft, Cause.SKIPPED_BY_OPERATOR, request)


def void(definition: Saga, draft: Draft, request: VoidRequested) -> None:
    """Treat a failed step as not executed, and roll the saga back.

    In a parked saga the step may also be unfinished. Raises NotFound if there is no such step, and
    Conflict for a step after the pivot, because the saga cannot roll back.
    """
    step = _choose(draft, request.step, "voided")
    forward = draft.saga.course in FORWARD
    if forward and definition.kind_of(step.index) is StepKind.RETRIABLE:
        raise Conflict(f"step {step.name} comes after the pivot: retry it, or skip it")
    cause, who, why = Cause.VOIDED_BY_OPERATOR, request.actor, request.reason
    if step.status is StepStatus.FAILED:
        draft.note(cause, step=step.index, actor=who, error=why)
        draft.change_step(step.index, maybe_applied=False)
    else:
        draft.move_step(
            step.index,
            StepStatus.FAILED,
            cause,
            actor=who,
            error=why,
            maybe_applied=False,
            awaits=None,
        )
    if forward:
        _dismiss(draft, cause, request)
        stop(definition, draft, Cause.STEP_FAILED, f"step {step.name}: {request.reason}")
    else:
        _go_on(definition, draft, cause, request)


def _resume_forward(definition: Saga, draft: Draft) -> None:
    """Continue with a stage: use the signals that were received, begin the remaining steps."""
    stage = definition.stage_of(draft.saga.current_step)
    if any(step.status is not StepStatus.PENDING for step in draft.steps):
        draft.mark_running()
    for index in stage:
        step = draft.steps[index]
        if step.status is StepStatus.WAITING and step.signal is not None:
            draft.move_step(
                index, StepStatus.COMPLETED, Cause.SIGNAL_RECEIVED, output=step.signal, awaits=None
            )
    if is_stopping(definition, draft):
        stop(definition, draft, cause_of(draft.saga.stopping))
    else:
        draft.to_begin = [i for i in stage if draft.steps[i].is_unbegun]


def _check_output(element: Element, output: str | None) -> None:
    mismatch = output and mismatch_of(output, element.decoded_type)
    if mismatch:
        raise Invalid(f"the output does not fit step {element.name}: {mismatch}", field="output")


def _check_failed(draft: Draft, what: str) -> None:
    saga = draft.saga
    if saga.status is not SagaStatus.FAILED and not saga.incident:
        raise Conflict(
            f"saga {saga.id} is {saga.state}: there is no failed step that can be {what}"
        )


def _choose(draft: Draft, name: str, what: str) -> StepRecord:
    """Return the named step; raise NotFound or Conflict if the request cannot be applied to it."""
    step = next((step for step in draft.steps if step.name == name), None)
    if step is None:
        raise NotFound(f"saga {draft.saga.id} has no step {name!r}", field="step")
    _check_failed(draft, what)
    unended = draft.saga.status is SagaStatus.FAILED and step.is_open
    if unended and step.child and step.status is StepStatus.WAITING:
        raise Conflict(f"step {name} waits for saga {step.child}: repair that one", field="step")
    if not unended and step not in _failed(draft):
        raise Conflict(f"step {name} is {step.status}, and cannot be {what}", field="step")
    return step


def _failed(draft: Draft) -> list[StepRecord]:
    wanted = StepStatus.FAILED if draft.saga.course in FORWARD else StepStatus.COMPENSATION_FAILED
    return [step for step in draft.steps if step.status is wanted]


def _go_on(definition: Saga, draft: Draft, cause: Cause, request: Requested) -> None:
    """Continue with the saga unless another step has failed too."""
    if _failed(draft):
        return
    _dismiss(draft, cause, request)
    if draft.saga.status is SagaStatus.ROLLING_BACK:
        compensate_next(definition, draft)
    else:
        _resume_forward(definition, draft)


def _dismiss(draft: Draft, cause: Cause, request: Requested) -> None:
    """Mark the failure as resolved; redeliver what a parked saga waits for."""
    if draft.saga.status is not SagaStatus.FAILED:
        draft.note(cause, actor=request.actor, error=request.reason)
        draft.dismiss()
        return
    draft.unpark(cause, request.actor, request.reason)
    for step in list(draft.steps):
        if step.awaits:
            redeliver_step(draft, step.index, cause)


def _before_compensation(step: StepRecord) -> StepStatus:
    return StepStatus.FAILED if step.output is None else StepStatus.COMPLETED
