"""Stopping a saga that goes forward, after a failure, a missed deadline or a cancel.

Steps in flight finish, steps that have not begun are cancelled, and then the saga rolls back.
"""

from datetime import datetime

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.definition.steps import Step
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import advance
from lib.saga.machine.inputs import StopObserved
from lib.saga.machine.schedule import IN_FLIGHT, deadline_of, schedule
from lib.saga.state.records import FORWARD, SagaRecord, StepStatus


def stop(definition: Saga, draft: Draft, cause: str, error: str = "") -> None:
    """Roll the saga back once the steps of its stage that are in flight have ended."""
    draft.mark_running()
    draft.saga.stopping, draft.saga.error = cause, error or draft.saga.error
    for index in definition.stage_of(draft.saga.current_step):
        if _can_be_cancelled(definition, draft, index):
            _cancel_step(definition, draft, index)
    advance(definition, draft)


def stop_at_deadline(definition: Saga, draft: Draft) -> None:
    """Roll the saga back because its deadline has passed."""
    stop(definition, draft, Cause.DEADLINE_PASSED, Cause.DEADLINE_PASSED)


def fail_step(definition: Saga, draft: Draft, index: int, cause: str, error: str) -> None:
    """Fail a step, and stop the saga if it can still roll back. `error` defaults to the cause."""
    error = error or cause
    draft.move_step(index, StepStatus.FAILED, cause, error=error, awaits=None)
    if definition.kind_of(index) is StepKind.COMPENSATABLE and not draft.saga.stopping:
        name = draft.steps[index].name
        stop(definition, draft, Cause.STEP_FAILED, f"step {name}: {error}")
    else:
        advance(definition, draft)


def observe_stop(definition: Saga, draft: Draft, observed: StopObserved) -> None:
    """Cancel a step whose delivery found that the saga must roll back."""
    step = draft.steps[observed.step]
    awaited = step.awaits is Phase.EXECUTE and step.attempt == observed.attempt
    if not awaited or not must_stop(definition, draft.saga, observed.step, draft.now):
        draft.ignore(NoChange.STALE)
        return
    if not draft.saga.stopping:
        stop_at_deadline(definition, draft)
    # If the worker's clock was behind, `stop_at_deadline` may have cancelled the step already.
    if draft.steps[observed.step].awaits is Phase.EXECUTE:
        _cancel_step(definition, draft, observed.step)
        advance(definition, draft)


def must_stop(definition: Saga, saga: SagaRecord, index: int, now: datetime) -> bool:
    """Return whether a delivery must cancel its step instead of running it.

    A pivot still runs: another dispatch of it may be running, which could not be undone.
    """
    deadline = deadline_of(definition, saga, index)
    late = deadline is not None and now >= deadline
    has_way_back = definition.kind_of(index) is StepKind.COMPENSATABLE
    return saga.status in FORWARD and has_way_back and (late or bool(saga.stopping))


def is_stopping(definition: Saga, draft: Draft) -> bool:
    """Return whether no step of the stage may be retried, because the saga must roll back.

    A pivot that may have been applied is still retried, because its result decides whether the saga
    can roll back.
    """
    kind = definition.kind_of(draft.saga.current_step)
    return bool(draft.saga.stopping) and kind is StepKind.COMPENSATABLE


def can_be_queried(element: Element) -> bool:
    """Return whether the participant of a step can be asked whether it was executed."""
    return isinstance(element, Step) and element.status is not None


def query_status(definition: Saga, draft: Draft, index: int, error: str) -> None:
    """Schedule a status query: the participant is asked whether it executed the step."""
    draft.note(Cause.STATUS_QUERIED, step=index, error=error)
    draft.keep_error(index, error)
    schedule(definition, draft, index, Phase.STATUS)


def _can_be_cancelled(definition: Saga, draft: Draft, index: int) -> bool:
    """Return whether a step has nothing in flight, so that the saga need not wait for it."""
    step, element = draft.steps[index], definition.elements[index]
    if step.awaits is Phase.START:
        return True
    if step.status is StepStatus.WAITING:
        return not (isinstance(element, Child) and element.pivot)
    at = step.scheduled_at
    far_off = at is not None and at > draft.now + IN_FLIGHT
    return step.awaits is Phase.EXECUTE and far_off and not element.pivot


def _cancel_step(definition: Saga, draft: Draft, index: int) -> None:
    element, begun = definition.elements[index], draft.steps[index].awaits is not Phase.START
    if begun and can_be_queried(element):
        draft.change_step(index, maybe_applied=True)
        query_status(definition, draft, index, "")
        return
    draft.move_step(
        index,
        StepStatus.CANCELLED,
        Cause.STEP_CANCELLED,
        maybe_applied=begun and isinstance(element, Step | Child),
        awaits=None,
    )
