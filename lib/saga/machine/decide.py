"""The machine that decides: (definition, records, what happened, now) -> new records, deliveries.

Pure: no I/O, no clock, no randomness of its own. Whoever calls it commits the decision whole,
against the version of the saga that it was decided on, and only then enqueues the deliveries.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.machine import backward, inputs
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Decision, Draft
from lib.saga.machine.forward import stages
from lib.saga.machine.inputs import AttemptEnded, BareRequest, Input, Looked, Overdue
from lib.saga.machine.operator import control, repair
from lib.saga.machine.operator.idempotency import carry_out
from lib.saga.machine.schedule import redeliver_if_due, redeliver_or_park
from lib.saga.machine.starting.next_steps import begin_next, start_due
from lib.saga.state.privacy import Privacy
from lib.saga.state.records import ACTIVE, SagaRecord, StepRecord, StepStatus


def begin(definition: Saga, saga: SagaRecord) -> Decision:
    """Return a new saga's first records and its first deliveries; `saga` is PENDING, as made."""
    now = saga.created_at
    steps = [
        StepRecord(
            saga_id=saga.id,
            id=index + 1,
            name=part.name,
            service=part.service,
            needs=definition.needs[index],
            updated_at=now,
        )
        for index, part in enumerate(definition.parts)
    ]
    draft = Draft(saga, steps, now, definition, is_new=True)
    draft.note(Cause.STARTED)
    if saga.paused:
        draft.note(Cause.PAUSED, actor=f"saga {saga.parent_id}", error="its parent saga is paused")
    stages.enter(definition, draft, 0)
    begin_next(definition, draft, begin)
    return draft.decide()


def park_missing_definition(
    saga: SagaRecord, steps: Sequence[StepRecord], reason: str, now: datetime
) -> Decision:
    """Park a saga whose definition is gone, or that it no longer fits; `reason` quotes no value."""
    draft = Draft(saga, steps, now)
    if saga.status in ACTIVE:
        draft.park(saga.current_step, Cause.STRANDED, reason)
    return draft.decide()


def apply_request(
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    request: BareRequest,
    now: datetime,
    definition: Saga | None = None,
) -> Decision:
    """Pause, resume, park or resolve a saga: that needs no definition. Raises Conflict.

    Without one nobody can tell what of the saga is secret: the reason is to quote none of it.
    """
    draft = Draft(saga, steps, now, definition)
    clean = request
    if definition is None:
        clean = replace(request, reason=Privacy(None, saga, steps).clean(request.reason))
    carry_out(draft, request, lambda: _operate(draft, clean))
    return draft.decide()


def _operate(draft: Draft, request: BareRequest) -> None:
    match request:
        case inputs.PauseRequested():
            control.pause(draft, request)
        case inputs.ResumeRequested():
            control.resume(draft, request)
        case inputs.ParkRequested():
            control.park(draft, request)
        case inputs.ResolveRequested():
            control.resolve(draft, request)


def redeliver_overdue(
    saga: SagaRecord, steps: Sequence[StepRecord], overdue: Overdue, now: datetime
) -> Decision:
    """Have overdue deliveries, or the news of a saga's end, come again: needs no definition."""
    draft = Draft(saga, steps, now)
    redeliver_if_due(draft, at_once=overdue.at_once)
    return draft.decide()


def decide(
    definition: Saga,
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    what: Input,
    now: datetime,
    *,
    blocked: str = "",
) -> Decision:
    """Return what becomes of a saga; what is stale changes nothing and names what is outstanding.

    What has happened is recorded first, and then what follows begins: that cannot change what is
    recorded. `blocked` says why nothing can begin: the parts that would, have failed by that.

    Raises Conflict for what makes no sense in the saga's state, and NotFound for a step or a
    signal that it does not have.
    """
    draft = Draft(saga, steps, now, definition)
    _take(definition, draft, what)
    begin_next(definition, draft, begin, blocked)
    return draft.decide()


def park_unrecorded(
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    what: Input,
    reason: str,
    now: datetime,
    definition: Saga | None = None,
) -> Decision:
    """Park a saga because what has happened to it cannot be recorded: the least there is to write.

    The step whose outcome is lost has failed, and its effect is uncertain.
    """
    draft = Draft(saga, steps, now, definition)
    if saga.status not in ACTIVE:
        return draft.decide()
    index = saga.current_step
    if isinstance(what, AttemptEnded):
        index, back = what.step, what.phase is Phase.COMPENSATE
        status = StepStatus.COMPENSATION_FAILED if back else StepStatus.FAILED
        draft.move_step(index, status, Cause.UNRECORDED, error=reason, awaits=None, uncertain=True)
    draft.park(index, Cause.UNRECORDED, reason)
    return draft.decide()


def _take(definition: Saga, draft: Draft, what: Input) -> None:
    match what:
        case AttemptEnded(phase=Phase.COMPENSATE):
            backward.compensated(definition, draft, what)
        case AttemptEnded():
            stages.executed(definition, draft, what)
        case inputs.PivotBegun():
            stages.begun(draft, what)
        case inputs.StartDue():
            start_due(definition, draft, what)
        case inputs.TimerFired():
            stages.woken(definition, draft, what)
        case inputs.StopObserved():
            stages.heeded(definition, draft, what)
        case inputs.ChildEnded():
            stages.child_ended(definition, draft, what)
        case inputs.Looked():
            _look(definition, draft, what)
        case inputs.SignalReceived():
            stages.signalled(definition, draft, what)
        case inputs.RevertRequested():
            control.revert(definition, draft, what)
        case inputs.Requested():
            carry_out(draft, what, lambda: _grant(definition, draft, what))


def _look(definition: Saga, draft: Draft, looked: Looked) -> None:
    """Make up for whatever a saga may have missed; all of it should have been seen to before."""
    if looked.unreported:
        draft.call_again()
    for ended in looked.ended:
        stages.child_ended(definition, draft, ended)
    if looked.missing and draft.saga.status in ACTIVE:
        reason = f"child saga {', '.join(looked.missing)} is gone"
        draft.park(draft.saga.current_step, Cause.STRANDED, reason)
    if not draft.has_events:
        redeliver_or_park(draft)


def _grant(definition: Saga, draft: Draft, request: Input) -> None:
    match request:
        case inputs.CancelRequested():
            control.cancel(definition, draft, request)
        case inputs.RetryRequested():
            repair.retry(definition, draft, request)
        case inputs.SkipRequested():
            repair.skip(definition, draft, request)
        case inputs.VoidRequested():
            repair.void(definition, draft, request)
        case BareRequest():
            _operate(draft, request)
