"""The entry of the machine: (definition, records, input, now) -> new records and deliveries.

Pure: no I/O, no clock, no randomness. Callers commit a whole decision in one transaction, only if
the saga's version is still the same, and then enqueue its deliveries.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import assert_never

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.machine import backward, children, inputs
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import Decision, NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.forward import attempts, stop
from lib.saga.machine.input_checks import check_possible
from lib.saga.machine.inputs import (
    AttemptEnded,
    ImpossibleInput,
    Input,
    Looked,
    OfStep,
    OperatorInput,
    Overdue,
    RecordRequest,
    Requested,
    SignalReceived,
    StepInput,
)
from lib.saga.machine.operator import control, repair
from lib.saga.machine.operator.idempotency import apply_once
from lib.saga.machine.schedule import redeliver_if_due, redeliver_or_park
from lib.saga.machine.start.begin import begin
from lib.saga.machine.start.next_steps import begin_next, start_step
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import ACTIVE, SagaRecord, StepRecord, StepStatus


def decide(
    definition: Saga,
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    given: Input,
    now: datetime,
    *,
    blocked: str = "",
) -> Decision:
    """Return the decision on an input; if it changes nothing, `no_change` says why.

    The input is recorded first, and then the steps that follow begin; they cannot change what is
    recorded. If `blocked` gives a reason, no step can begin: steps that would begin fail with it.

    Raises Conflict for a request or signal that makes no sense in the saga's state, NotFound for a
    step or signal that the saga does not have, and ImpossibleInput for an input that none of the
    saga's deliveries can lead to.
    """
    draft = Draft(saga, steps, now, definition)
    match given:
        case SignalReceived():
            attempts.receive_signal(definition, draft, given)
        case Overdue():
            redeliver_if_due(draft, at_once=given.at_once)
        case Looked():
            _record_look(definition, draft, given)
        case inputs.RevertRequested():
            control.revert(definition, draft, given)
        case Requested():
            apply_once(draft, given, partial(_apply, definition, draft, given))
        case OfStep():
            if isinstance(given, AttemptEnded):
                draft.note_begin(given.step, given.began_at)
            _record_step(definition, draft, given)
        case _:
            assert_never(given)
    begin_next(definition, draft, begin, blocked)
    return draft.decide()


def apply_request(
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    request: RecordRequest,
    now: datetime,
    definition: Saga | None = None,
) -> Decision:
    """Pause, resume, park or resolve a saga, without its definition. Raises Conflict.

    Without a definition secrets cannot be recognized, so any that the reason may quote are removed.
    """
    draft = Draft(saga, steps, now, definition)
    clean = request
    if definition is None:
        clean = replace(request, reason=Privacy(None, saga, steps).clean(request.reason))
    apply_once(draft, request, partial(_apply_to_records, draft, clean))
    return draft.decide()


def redeliver_overdue(
    saga: SagaRecord, steps: Sequence[StepRecord], overdue: Overdue, now: datetime
) -> Decision:
    """Redeliver overdue deliveries and the parent's notification, without a definition."""
    draft = Draft(saga, steps, now)
    redeliver_if_due(draft, at_once=overdue.at_once)
    return draft.decide()


def park_missing_definition(
    saga: SagaRecord, steps: Sequence[StepRecord], reason: str, now: datetime
) -> Decision:
    """Park a saga whose definition is gone or no longer fits; `reason` quotes no stored value."""
    draft = Draft(saga, steps, now)
    if saga.status in ACTIVE:
        draft.park(saga.current_step, Cause.DEFINITION_MISSING, reason)
    else:
        draft.ignore(NoChange.STALE)
    return draft.decide()


def park_unrecorded(
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    given: Input,
    reason: str,
    now: datetime,
    definition: Saga | None = None,
) -> Decision:
    """Park a saga because an input cannot be recorded. No decision is smaller than this one.

    The step whose outcome is lost fails, and its effect may have been applied.
    """
    draft = Draft(saga, steps, now, definition)
    if saga.status not in ACTIVE:
        draft.ignore(NoChange.STALE)
        return draft.decide()
    index = saga.current_step
    if isinstance(given, AttemptEnded):
        index, back = given.step, given.phase is Phase.COMPENSATE
        status = StepStatus.COMPENSATION_FAILED if back else StepStatus.FAILED
        draft.move_step(
            index, status, Cause.INPUT_UNRECORDED, error=reason, awaits=None, maybe_applied=True
        )
    draft.park(index, Cause.INPUT_UNRECORDED, reason)
    return draft.decide()


def _record_step(definition: Saga, draft: Draft, given: StepInput) -> None:
    check_possible(definition, given)
    match given:
        case AttemptEnded():
            _record_attempt(definition, draft, given)
        case inputs.PivotBegun():
            attempts.record_pivot_begun(draft, given)
        case inputs.StartDue():
            start_step(definition, draft, given)
        case inputs.TimerFired():
            attempts.fire_timer(definition, draft, given)
        case inputs.StopObserved():
            stop.observe_stop(definition, draft, given)
        case inputs.ChildEnded():
            children.record_child_end(definition, draft, given)
        case _:
            assert_never(given)


def _record_attempt(definition: Saga, draft: Draft, ended: AttemptEnded) -> None:
    if ended.attempt > draft.steps[ended.step].attempt:
        # It belongs to an earlier saga with the same id, which was purged.
        draft.ignore(NoChange.STALE)
        return
    match ended.phase:
        case Phase.EXECUTE | Phase.STATUS:
            attempts.record_execution(definition, draft, ended)
        case Phase.COMPENSATE:
            backward.record_compensation(definition, draft, ended)
        case Phase.START | Phase.CHILD:
            raise ImpossibleInput(f"no action runs in phase {ended.phase}")
        case _:
            assert_never(ended.phase)


def _record_look(definition: Saga, draft: Draft, looked: Looked) -> None:
    """Repair what a saga has missed. In normal operation there is nothing to repair.

    If the saga has changed since the look, the findings may be outdated and are ignored.
    """
    if looked.sequence != draft.saga.sequence:
        draft.ignore(NoChange.STALE)
        return
    if looked.unreported:
        draft.rewrite_letter()
    for ended in looked.ended:
        _record_step(definition, draft, ended)
    if looked.missing and draft.saga.status in ACTIVE:
        reason = f"{Cause.CHILD_MISSING}: {', '.join(looked.missing)}"
        draft.park(draft.saga.current_step, Cause.CHILD_MISSING, reason)
    if not draft.has_events:
        redeliver_or_park(draft)


def _apply(definition: Saga, draft: Draft, request: OperatorInput) -> None:
    match request:
        case inputs.CancelRequested():
            control.cancel(definition, draft, request)
        case inputs.RetryRequested():
            repair.retry(definition, draft, request)
        case inputs.SkipRequested():
            repair.skip(definition, draft, request)
        case inputs.VoidRequested():
            repair.void(definition, draft, request)
        case (
            inputs.PauseRequested()
            | inputs.ResumeRequested()
            | inputs.ParkRequested()
            | inputs.ResolveRequested()
        ):
            _apply_to_records(draft, request)
        case _:
            assert_never(request)


def _apply_to_records(draft: Draft, request: RecordRequest) -> None:
    match request:
        case inputs.PauseRequested():
            control.pause(draft, request)
        case inputs.ResumeRequested():
            control.resume(draft, request)
        case inputs.ParkRequested():
            control.park(draft, request)
        case inputs.ResolveRequested():
            control.resolve(draft, request)
        case _:
            assert_never(request)
