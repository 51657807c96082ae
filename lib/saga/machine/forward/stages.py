"""The way forward: stage after stage, until all is done or there is a reason to go back."""

from datetime import datetime

from lib.errors import Conflict, NotFound
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.definition.steps import Child, Signal, Step, Timer
from lib.saga.machine.backward import child_rolled_back, roll_back
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import (
    FINAL,
    AttemptEnded,
    ChildEnded,
    PivotBegun,
    Result,
    SignalReceived,
    StopObserved,
    TimerFired,
)
from lib.saga.machine.schedule import (
    IN_FLIGHT,
    deadline_of,
    schedule,
    schedule_retry,
    schedule_timer,
)
from lib.saga.machine.starting.plan import (
    run,
)
from lib.saga.state.records import FORWARD, SagaRecord, SagaStatus, StepRecord, StepStatus

#: A signal may come while its step is in one of these.
AWAITED = frozenset({StepStatus.PENDING, StepStatus.WAITING})

#: A step that ended so lets the saga go on.
PASSED = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})


def executed(definition: Saga, draft: Draft, outcome: AttemptEnded) -> None:
    """Take the end of one attempt of a step, or the answer to what became of it."""
    saga, step = draft.saga, draft.steps[outcome.step]
    awaited = step.awaits in (Phase.EXECUTE, Phase.STATUS)
    if saga.course not in FORWARD or not awaited:
        return
    if outcome.result is Result.DONE:
        # A late success of an earlier attempt is as good: every attempt has the same key.
        complete(definition, draft, outcome.step, Cause.DONE, outcome.output)
    elif (step.attempt, step.awaits) == (outcome.attempt, outcome.phase):
        _failed(definition, draft, outcome)


def begun(draft: Draft, event: PivotBegun) -> None:
    """Record that a pivot is about to run; nothing happens if its delivery is awaited no longer.

    PivotBegun a second time, another dispatch may have had the effect that this one will not have.
    """
    step = draft.steps[event.step]
    awaited = step.awaits is Phase.EXECUTE and step.attempt == event.attempt
    if draft.saga.status not in FORWARD or draft.saga.paused or not awaited:
        return
    draft.note(Cause.BEGUN, step=event.step)
    uncertain = step.uncertain or not step.unbegun
    draft.change_step(event.step, unbegun=False, uncertain=uncertain)


def complete(
    definition: Saga, draft: Draft, index: int, cause: str, output: str | None, actor: str = ""
) -> None:
    """Take a step as done."""
    run(draft)
    draft.move_step(index, StepStatus.COMPLETED, cause, actor=actor, output=output, awaits=None)
    settle(definition, draft)


def woken(definition: Saga, draft: Draft, event: TimerFired) -> None:
    """Take the end of a wait, or of a part of it."""
    step, part = draft.steps[event.step], definition.parts[event.step]
    if step.status is not StepStatus.WAITING or step.attempt != event.attempt:
        return
    if draft.saga.status not in FORWARD:
        return
    deadline = deadline_of(definition, draft.saga, event.step)
    if deadline is not None and draft.now >= deadline:
        stop(definition, draft, Cause.DEADLINE_PASSED, "the deadline has passed")
    elif step.waits_until is None or draft.now < step.waits_until:
        schedule_timer(definition, draft, event.step, step.waits_until)
        draft.note(Cause.WAITS, step=event.step)
    elif isinstance(part, Timer):
        complete(definition, draft, event.step, Cause.TIME_IS_UP, None)
    else:
        _fail(definition, draft, event.step, Cause.NO_SIGNAL, "the signal has not come in time")


def signalled(definition: Saga, draft: Draft, signal: SignalReceived) -> None:
    """Take a signal for the step that waits for it, or keep it until that step comes.

    Raises NotFound when no step has that name, and Conflict when it no longer waits, or when
    another payload has come before; the same one changes nothing.
    """
    parts = enumerate(definition.parts)
    index = next((i for i, p in parts if p.name == signal.step and isinstance(p, Signal)), None)
    if index is None:
        raise NotFound(f"saga {definition.name} has no signal {signal.step!r}", field="signal")
    step = draft.steps[index]
    if step.signal == signal.payload:
        return
    if step.signal is not None:
        raise Conflict(f"signal {signal.step!r} has come before, with another payload")
    if draft.saga.course not in FORWARD or step.status not in AWAITED:
        raise Conflict(f"saga {draft.saga.id} no longer waits for signal {signal.step!r}")
    draft.change_step(index, signal=signal.payload)
    if step.status is StepStatus.WAITING and draft.saga.status in FORWARD:
        complete(definition, draft, index, Cause.SIGNALLED, signal.payload, signal.actor)
    else:
        draft.note(Cause.SIGNAL_KEPT, step=index, actor=signal.actor)


def child_ended(definition: Saga, draft: Draft, ended: ChildEnded) -> None:
    """Take the end of a child saga as the step's own."""
    step = draft.steps[ended.step]
    if draft.saga.course is SagaStatus.ROLLING_BACK and step.child == ended.child:
        child_rolled_back(definition, draft, ended)
        return
    waiting = step.status is StepStatus.WAITING and step.child == ended.child
    if draft.saga.course not in FORWARD or not waiting:
        return
    if ended.status is SagaStatus.COMPLETED:
        complete(definition, draft, ended.step, Cause.CHILD_COMPLETED, ended.output)
    else:
        _fail(definition, draft, ended.step, Cause.CHILD_ROLLED_BACK, ended.error)


def heeded(definition: Saga, draft: Draft, event: StopObserved) -> None:
    """Give up a step whose delivery has found that the saga is to be rolled back."""
    step = draft.steps[event.step]
    if step.awaits is not Phase.EXECUTE or step.attempt != event.attempt:
        return
    if not must_stop(definition, draft.saga, event.step, draft.now):
        return
    if not draft.saga.stopping:
        stop(definition, draft, Cause.DEADLINE_PASSED, "the deadline has passed")
    # By a clock that is behind, the step was still to come: then it is given up already, and what
    # it awaits now is its compensation.
    if draft.steps[event.step].awaits is Phase.EXECUTE:
        _give_up(definition, draft, event.step)
        settle(definition, draft)


def must_stop(definition: Saga, saga: SagaRecord, index: int, now: datetime) -> bool:
    """Tell whether a delivery is to give its step up and not to run it.

    A pivot is run all the same: another dispatch of it may be running, and could not be undone.
    """
    deadline = deadline_of(definition, saga, index)
    late = deadline is not None and now >= deadline
    way_back = definition.kind_of(index) is StepKind.COMPENSATABLE
    return saga.status in FORWARD and way_back and (late or bool(saga.stopping))


def is_stopping(definition: Saga, draft: Draft) -> bool:
    """Tell whether nothing of the present stage is to begin again: the saga is to be rolled back.

    A pivot of which nobody knows is tried again all the same: only its end says which way to go.
    """
    kind = definition.kind_of(draft.saga.current_step)
    return bool(draft.saga.stopping) and kind is StepKind.COMPENSATABLE


def stop(definition: Saga, draft: Draft, cause: str, error: str = "") -> None:
    """Have the saga rolled back, once what is in flight of its present stage has ended."""
    run(draft)
    draft.saga.stopping, draft.saga.error = cause, error or draft.saga.error
    for index in definition.stage_of(draft.saga.current_step):
        if _can_be_given_up(definition, draft, index):
            _give_up(definition, draft, index)
    settle(definition, draft)


def settle(definition: Saga, draft: Draft) -> None:
    """Go on, go back or park once nothing is open any more in the present stage.

    Of a parked saga what ends is recorded, and no more.
    """
    if draft.saga.status not in FORWARD:
        return
    stage = definition.stage_of(draft.saga.current_step)
    if any(draft.steps[index].is_open for index in stage):
        _report_failed(definition, draft, stage)
        return
    lost = [draft.steps[index] for index in stage if draft.steps[index].status not in PASSED]
    kind = definition.kind_of(stage.start)
    reason = _reason_of(lost)
    certain = not any(step.uncertain for step in lost)
    if lost and (kind is StepKind.RETRIABLE or (kind is StepKind.PIVOT and not certain)):
        draft.park(lost[-1].index, Cause.NO_WAY_BACK, reason)
    elif lost or (draft.saga.stopping and kind is StepKind.COMPENSATABLE):
        cause = draft.saga.stopping or Cause.STEP_FAILED
        roll_back(definition, draft, cause, draft.saga.error or reason)
    else:
        _go_on(definition, draft, definition.stages.index(stage) + 1)


def _report_failed(definition: Saga, draft: Draft, stage: range) -> None:
    """Call an operator for what has failed past the pivot, though others have not ended."""
    failed = [step for step in draft.steps[stage.start : stage.stop] if step.has_failed]
    if failed and definition.kind_of(stage.start) is StepKind.RETRIABLE:
        draft.report(failed[-1].index, Cause.NO_WAY_BACK, _reason_of(failed))


def _reason_of(lost: list[StepRecord]) -> str:
    return "; ".join(f"step {step.name}: {step.error}" for step in lost if step.error)


def resume_forward(definition: Saga, draft: Draft) -> None:
    """Have a saga that was parked go on: take the signals that have come, begin what has not."""
    stage = definition.stage_of(draft.saga.current_step)
    if any(step.status is not StepStatus.PENDING for step in draft.steps):
        run(draft)
    for index in stage:
        step = draft.steps[index]
        if step.status is StepStatus.WAITING and step.signal is not None:
            draft.move_step(
                index, StepStatus.COMPLETED, Cause.SIGNALLED, output=step.signal, awaits=None
            )
    if is_stopping(definition, draft):
        stop(definition, draft, draft.saga.stopping)
    else:
        draft.to_begin = [i for i in stage if draft.steps[i].is_unbegun]


def deadline_has_passed(definition: Saga, draft: Draft, index: int) -> bool:
    """Tell whether nothing may begin at a part's place any more: the deadline has passed."""
    deadline = draft.saga.deadline_at
    way_back = definition.kind_of(index) is not StepKind.RETRIABLE
    return way_back and deadline is not None and draft.now >= deadline


def _go_on(definition: Saga, draft: Draft, number: int) -> None:
    if draft.saga.stopping:
        draft.saga.stopping, draft.saga.error = "", ""
        draft.note(Cause.TOO_LATE_TO_CANCEL)
    enter(definition, draft, number)


def enter(definition: Saga, draft: Draft, number: int) -> None:
    """Begin a stage, unless the saga is done or its deadline has passed."""
    if number == len(definition.stages):
        _finish(draft)
        return
    stage = definition.stages[number]
    draft.saga.current_step = stage.start
    if deadline_has_passed(definition, draft, stage.start):
        run(draft)
        roll_back(definition, draft, Cause.DEADLINE_PASSED, "the deadline has passed")
    else:
        draft.to_begin = stage


def _finish(draft: Draft) -> None:
    run(draft)
    draft.move_saga(SagaStatus.COMPLETED, Cause.ALL_DONE)
    if draft.saga.parent_id:
        draft.saga.result = draft.steps[-1].output


def _failed(definition: Saga, draft: Draft, outcome: AttemptEnded) -> None:
    """Try a step again, ask what became of it, or take it as failed."""
    index, part = outcome.step, definition.parts[outcome.step]
    run(draft)
    asked = outcome.phase is Phase.STATUS
    stopping = draft.saga.stopping and definition.kind_of(index) is StepKind.COMPENSATABLE
    if not (stopping and not asked) and schedule_retry(
        definition, draft, outcome, definition.retry_of(index)
    ):
        return
    if outcome.result is Result.NOT_HAPPENED:
        draft.change_step(index, uncertain=False)
        _fail(definition, draft, index, Cause.NEVER_HAPPENED, outcome.error)
        return
    if outcome.result is not Result.PERMANENT or asked:
        # Another dispatch of this attempt may yet have the effect that this one did not have.
        draft.change_step(index, uncertain=True)
    cause = Cause.FAILED_FOR_GOOD if outcome.result in FINAL else Cause.OUT_OF_ATTEMPTS
    if draft.steps[index].uncertain and not asked and isinstance(part, Step) and part.status:
        _ask(definition, draft, index, outcome.error)
    else:
        _fail(definition, draft, index, cause, outcome.error)


def _fail(definition: Saga, draft: Draft, index: int, cause: str, error: str) -> None:
    error = error or cause
    draft.move_step(index, StepStatus.FAILED, cause, error=error, awaits=None)
    if definition.kind_of(index) is StepKind.COMPENSATABLE and not draft.saga.stopping:
        name = draft.steps[index].name
        stop(definition, draft, Cause.STEP_FAILED, f"step {name}: {error}")
    else:
        settle(definition, draft)


def _ask(definition: Saga, draft: Draft, index: int, error: str) -> None:
    draft.note(Cause.ASK, step=index, error=error)
    schedule(definition, draft, index, Phase.STATUS)


def _can_be_given_up(definition: Saga, draft: Draft, index: int) -> bool:
    """Tell whether nothing of a step is in flight, so that it need not be waited for."""
    step, part = draft.steps[index], definition.parts[index]
    if step.awaits is Phase.START:
        return True
    if step.status is StepStatus.WAITING:
        return not (isinstance(part, Child) and part.pivot)
    at = step.scheduled_at
    far_off = at is not None and at > draft.now + IN_FLIGHT
    return step.awaits is Phase.EXECUTE and far_off and not part.pivot


def _give_up(definition: Saga, draft: Draft, index: int) -> None:
    part, begun = definition.parts[index], draft.steps[index].awaits is not Phase.START
    if begun and isinstance(part, Step) and part.status:
        draft.change_step(index, uncertain=True)
        _ask(definition, draft, index, "")
        return
    draft.move_step(
        index,
        StepStatus.CANCELLED,
        Cause.GIVEN_UP,
        uncertain=begun and isinstance(part, Step | Child),
        awaits=None,
    )
