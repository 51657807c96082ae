"""How the attempts and the waits of a step end while the saga goes forward."""

from lib.errors import Conflict, NotFound
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.definition.steps import Signal, Timer
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward.stages import complete_step
from lib.saga.machine.forward.stop import can_be_queried, fail_step, query_status, stop_at_deadline
from lib.saga.machine.inputs import (
    FINAL,
    AttemptEnded,
    PivotBegun,
    Result,
    SignalReceived,
    TimerFired,
)
from lib.saga.machine.schedule import deadline_of, describe_failure, schedule_retry, schedule_timer
from lib.saga.state.records import FORWARD, StepStatus
from lib.saga.state.values import is_equal

#: A signal is accepted while its step is in one of these.
ACCEPTS_SIGNAL = frozenset({StepStatus.PENDING, StepStatus.WAITING})


def record_execution(definition: Saga, draft: Draft, ended: AttemptEnded) -> None:
    """Record the end of one attempt of a step, or its participant's answer to a status query."""
    saga, step = draft.saga, draft.steps[ended.step]
    awaited = step.awaits in (Phase.EXECUTE, Phase.STATUS)
    if saga.course not in FORWARD or not awaited:
        draft.ignore(NoChange.STALE)
    elif ended.result is Result.DONE:
        # A late success of an earlier attempt counts too, because all attempts have the same key.
        complete_step(definition, draft, ended.step, Cause.STEP_COMPLETED, ended.output)
    elif (step.attempt, step.awaits) == (ended.attempt, ended.phase):
        _record_failure(definition, draft, ended)
    else:
        draft.ignore(NoChange.STALE)


def record_pivot_begun(draft: Draft, begun: PivotBegun) -> None:
    """Record that a pivot is about to run.

    If it was recorded before, that dispatch may have had the effect even if this one fails.
    """
    step = draft.steps[begun.step]
    awaited = step.awaits is Phase.EXECUTE and step.attempt == begun.attempt
    if draft.saga.status not in FORWARD or draft.saga.paused or not awaited:
        draft.ignore(NoChange.STALE)
        return
    draft.note(Cause.PIVOT_BEGUN, step=begun.step)
    uncertain = step.maybe_applied or not step.unbegun
    draft.change_step(begun.step, unbegun=False, maybe_applied=uncertain)


def fire_timer(definition: Saga, draft: Draft, fired: TimerFired) -> None:
    """End a wait whose time is over, or schedule the rest of it."""
    step, element = draft.steps[fired.step], definition.elements[fired.step]
    if step.status is not StepStatus.WAITING or step.attempt != fired.attempt:
        draft.ignore(NoChange.STALE)
        return
    if draft.saga.status not in FORWARD:
        draft.ignore(NoChange.STALE)
        return
    deadline = deadline_of(definition, draft.saga, fired.step)
    if deadline is not None and draft.now >= deadline:
        stop_at_deadline(definition, draft)
    elif step.waits_until is None or draft.now < step.waits_until:
        schedule_timer(definition, draft, fired.step, step.waits_until)
        draft.note(Cause.STEP_WAITING, step=fired.step)
    elif isinstance(element, Timer):
        complete_step(definition, draft, fired.step, Cause.TIMER_FIRED, None)
    else:
        fail_step(definition, draft, fired.step, Cause.SIGNAL_TIMED_OUT, "")


def receive_signal(definition: Saga, draft: Draft, signal: SignalReceived) -> None:
    """Complete the step that waits for a signal, or keep the signal until that step begins.

    Sending the same payload again changes nothing. Raises NotFound if the saga has no such signal,
    and Conflict if it no longer waits for it or has received another payload.
    """
    elements = enumerate(definition.elements)
    index = next((i for i, p in elements if p.name == signal.step and isinstance(p, Signal)), None)
    if index is None:
        raise NotFound(f"saga {definition.name} has no signal {signal.step!r}", field="signal")
    step = draft.steps[index]
    if step.signal is not None and is_equal(step.signal, signal.payload):
        draft.ignore(NoChange.ALREADY_APPLIED)
        return
    if step.signal is not None:
        raise Conflict(f"signal {signal.step!r} was already received with another payload")
    if draft.saga.course not in FORWARD or step.status not in ACCEPTS_SIGNAL:
        raise Conflict(f"saga {draft.saga.id} no longer waits for signal {signal.step!r}")
    draft.change_step(index, signal=signal.payload)
    if step.status is StepStatus.WAITING and draft.saga.status in FORWARD:
        complete_step(definition, draft, index, Cause.SIGNAL_RECEIVED, signal.payload, signal.actor)
    else:
        draft.note(Cause.SIGNAL_KEPT, step=index, actor=signal.actor)


def _record_failure(definition: Saga, draft: Draft, ended: AttemptEnded) -> None:
    """Schedule another attempt or a status query, or fail the step."""
    index, element = ended.step, definition.elements[ended.step]
    draft.mark_running()
    queried = ended.phase is Phase.STATUS
    error = describe_failure(draft.steps[index], ended)
    stopping = draft.saga.stopping and definition.kind_of(index) is StepKind.COMPENSATABLE
    if not (stopping and not queried) and schedule_retry(
        definition, draft, ended, definition.retry_of(index)
    ):
        return
    if ended.result is Result.NOT_HAPPENED:
        draft.change_step(index, maybe_applied=False)
        fail_step(definition, draft, index, Cause.STEP_NOT_EXECUTED, error)
        return
    if ended.result is not Result.PERMANENT or queried:
        # Another dispatch of this attempt may still have the effect that this one did not have.
        draft.change_step(index, maybe_applied=True)
    cause = Cause.FAILED_PERMANENTLY if ended.result in FINAL else Cause.OUT_OF_ATTEMPTS
    if draft.steps[index].maybe_applied and not queried and can_be_queried(element):
        query_status(definition, draft, index, error)
    else:
        fail_step(definition, draft, index, cause, error)
