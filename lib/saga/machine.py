"""The machine that decides: (definition, records, what happened, now) -> new records, deliveries.

Pure: no I/O, no clock, no randomness of its own. Whoever calls it commits the decision whole,
against the version of the saga that it was decided on, and only then enqueues the deliveries.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lib.errors import Conflict
from lib.saga.definition import RetryPolicy, Saga
from lib.saga.delivery import Delivery, Phase, jitter_of
from lib.saga.draft import Decision, Draft
from lib.saga.happened import (
    FINAL,
    UNCERTAIN,
    CancelReached,
    CancelRequested,
    Happened,
    Outcome,
    Overdue,
    Result,
)
from lib.saga.outstanding import is_overdue
from lib.saga.records import ACTIVE, SagaRecord, SagaStatus, StepRecord, StepStatus

#: A delivery due within this time may be on its way already: a cancel waits for it.
IN_FLIGHT = timedelta(seconds=2)

#: Cloud Tasks schedules at most 30 days ahead.
LONGEST_PAUSE = timedelta(days=29)

FORWARD = (SagaStatus.PENDING, SagaStatus.RUNNING)


def begin(definition: Saga, saga: SagaRecord, now: datetime) -> Decision:
    """Return a new saga's first records and its first delivery; `saga` is PENDING, as made."""
    steps = [
        StepRecord(
            saga_id=saga.id, id=index + 1, name=step.name, service=step.service, updated_at=now
        )
        for index, step in enumerate(definition.steps)
    ]
    draft = Draft(saga, steps, now)
    draft.note("started")
    _schedule(definition, draft, 0)
    return replace(draft.decide(), steps=tuple(draft.steps))


def strand(saga: SagaRecord, steps: Sequence[StepRecord], reason: str, now: datetime) -> Decision:
    """Park a saga whose definition is gone, rather than run the wrong step."""
    draft = Draft(saga, steps, now)
    if saga.status in ACTIVE:
        draft.park(saga.current_step, "stranded", reason)
    return draft.decide()


def decide(
    definition: Saga,
    saga: SagaRecord,
    steps: Sequence[StepRecord],
    happened: Happened,
    now: datetime,
) -> Decision:
    """Return what becomes of a saga; what is stale changes nothing and names what is outstanding.

    Raises Conflict when a cancel makes no sense any more.
    """
    draft = Draft(saga, steps, now)
    match happened:
        case Outcome(phase=Phase.EXECUTE):
            _executed(definition, draft, happened)
        case Outcome():
            _compensated(definition, draft, happened)
        case CancelRequested():
            _cancel(definition, draft, happened)
        case CancelReached() if heeds_cancel(definition, saga):
            # Another dispatch of the same task may be running the step at this very moment.
            draft.change_step(saga.current_step, uncertain=True)
            _roll_back(definition, draft, "cancelled")
        case Overdue() if is_overdue(saga, now):
            _redeliver(draft)
        case _:
            pass
    return draft.decide()


def is_awaited(delivery: Delivery, awaited: Sequence[Delivery]) -> bool:
    """Tell whether a delivery is one of those that its saga waits for.

    The epoch does not count: a delivery that the sweep took for lost and that comes after all is
    as good as its replacement, and under a backlog it is the one that gets through.
    """
    wanted = ((each.phase, each.step, each.attempt) for each in awaited)
    return (delivery.phase, delivery.step, delivery.attempt) in wanted


def heeds_cancel(definition: Saga, saga: SagaRecord) -> bool:
    """Tell whether a delivery is to undo its saga and not to run its step.

    A pivot is run all the same: another dispatch of it may be running, and could not be undone.
    """
    return saga.cancel_requested and saga.status in FORWARD and saga.current_step < definition.pivot


def _executed(definition: Saga, draft: Draft, outcome: Outcome) -> None:
    saga, step = draft.saga, draft.steps[outcome.step]
    if saga.status not in FORWARD or saga.current_step != outcome.step:
        return
    if outcome.result is Result.DONE:
        # A late success of an earlier attempt is as good: every attempt has the same key.
        _advance(definition, draft, outcome)
    elif step.attempt == outcome.attempt:
        _step_failed(definition, draft, outcome)


def _advance(definition: Saga, draft: Draft, outcome: Outcome) -> None:
    index, saga = outcome.step, draft.saga
    _run(draft)
    draft.move_step(index, StepStatus.COMPLETED, "done", output=outcome.output)
    if saga.cancel_requested and index < definition.pivot:
        _roll_back(definition, draft, "cancelled")
        return
    if saga.cancel_requested:
        saga.cancel_requested = False
        draft.note("past the pivot, too late to cancel")
    if index + 1 == saga.total_steps:
        draft.move_saga(SagaStatus.COMPLETED, "all steps done")
    else:
        _schedule(definition, draft, index + 1)


def _step_failed(definition: Saga, draft: Draft, outcome: Outcome) -> None:
    index, step = outcome.step, definition.steps[outcome.step]
    _run(draft)
    if outcome.result in UNCERTAIN:
        draft.change_step(index, uncertain=True)
    cancelled = draft.saga.cancel_requested and index < definition.pivot
    again = outcome.result not in FINAL and not cancelled
    if again and outcome.attempt < step.retry.attempts:
        _try_again(definition, draft, outcome, step.retry)
        return
    if outcome.result is not Result.PERMANENT:
        # Another dispatch of this attempt may yet have the effect that this one did not have.
        draft.change_step(index, uncertain=True)
    draft.move_step(index, StepStatus.FAILED, outcome.result, error=outcome.error)
    reason = f"step {step.name}: {outcome.error}"
    # A pivot whose outcome nobody knows can be neither repeated nor undone by us.
    if index > definition.pivot or (step.pivot and draft.steps[index].uncertain):
        draft.park(index, "no way back past the pivot", reason)
    else:
        _roll_back(definition, draft, "step failed", reason)


def _run(draft: Draft) -> None:
    if draft.saga.status is SagaStatus.PENDING:
        draft.move_saga(SagaStatus.RUNNING, "first step ran")


def _roll_back(definition: Saga, draft: Draft, cause: str, error: str = "") -> None:
    """Compensate the next step in reverse order, or end: there is nothing left to make good."""
    if draft.saga.status is not SagaStatus.ROLLING_BACK:
        draft.move_saga(SagaStatus.ROLLING_BACK, cause, error=error)
    for index in range(draft.saga.current_step, -1, -1):
        if _needs_compensation(definition, draft.steps[index]):
            _schedule(definition, draft, index)
            return
    draft.move_saga(SagaStatus.ROLLED_BACK, "all made good")


def _needs_compensation(definition: Saga, step: StepRecord) -> bool:
    may_have_happened = step.status is StepStatus.COMPLETED or (
        step.uncertain and step.status is not StepStatus.COMPENSATED
    )
    return may_have_happened and definition.steps[step.index].compensate is not None


def _compensated(definition: Saga, draft: Draft, outcome: Outcome) -> None:
    saga, step = draft.saga, draft.steps[outcome.step]
    if saga.status is not SagaStatus.ROLLING_BACK or saga.current_step != outcome.step:
        return
    if outcome.result is Result.DONE:
        draft.move_step(outcome.step, StepStatus.COMPENSATED, "made good")
        _roll_back(definition, draft, "made good")
    elif step.compensation_attempt == outcome.attempt:
        _compensation_failed(definition, draft, outcome)


def _compensation_failed(definition: Saga, draft: Draft, outcome: Outcome) -> None:
    index, step = outcome.step, definition.steps[outcome.step]
    policy = step.compensation_retry
    if outcome.result not in FINAL and outcome.attempt < policy.attempts:
        _try_again(definition, draft, outcome, policy)
        return
    draft.note(f"compensation {outcome.result}", step=index, error=outcome.error)
    draft.park(index, "compensation failed", f"compensation of {step.name}: {outcome.error}")


def _is_cancellable(definition: Saga, saga: SagaRecord, steps: Sequence[StepRecord]) -> bool:
    """Tell whether a saga may still be undone: a pivot that may have happened forbids it."""
    if saga.status not in FORWARD or saga.current_step > definition.pivot:
        return False
    return saga.current_step < definition.pivot or not steps[saga.current_step].uncertain


def _cancel(definition: Saga, draft: Draft, request: CancelRequested) -> None:
    saga = draft.saga
    if not _is_cancellable(definition, saga, draft.steps):
        state = "at or past its pivot" if saga.status in FORWARD else saga.status
        raise Conflict(f"saga {saga.id} is {state} and can no longer be cancelled")
    if saga.cancel_requested:
        return
    saga.cancel_requested = True
    draft.note("cancel requested", actor=request.actor, error=request.reason)
    scheduled_at = draft.steps[saga.current_step].scheduled_at
    if scheduled_at is not None and scheduled_at > draft.now + IN_FLIGHT:
        _roll_back(definition, draft, "cancelled")


def _redeliver(draft: Draft) -> None:
    """Raise the epoch: a new task name, and the lost delivery may have run its action."""
    draft.saga.epoch += 1
    index = draft.saga.current_step
    draft.note("overdue, delivered again", step=index)
    uncertain = draft.steps[index].uncertain or draft.saga.status in FORWARD
    draft.change_step(index, scheduled_at=draft.now, uncertain=uncertain)


def _try_again(definition: Saga, draft: Draft, outcome: Outcome, policy: RetryPolicy) -> None:
    cause = f"{outcome.phase} {outcome.result}, to be tried again"
    draft.note(cause, step=outcome.step, error=outcome.error)
    after = outcome.after
    if after is None:
        jitter = jitter_of(draft.saga.id, outcome.step, outcome.attempt)
        after = policy.delay(outcome.attempt, jitter)
    _schedule(definition, draft, outcome.step, min(after, LONGEST_PAUSE))


def _schedule(definition: Saga, draft: Draft, index: int, after: timedelta = timedelta(0)) -> None:
    """Make the next attempt of a step's action the one that the saga waits for."""
    step = draft.steps[index]
    draft.saga.current_step = index
    timing = {
        "scheduled_at": draft.now + after,
        "timeout_seconds": definition.steps[index].timeout.total_seconds(),
    }
    if draft.saga.status is SagaStatus.ROLLING_BACK:
        draft.change_step(index, compensation_attempt=step.compensation_attempt + 1, **timing)
    else:
        draft.change_step(index, attempt=step.attempt + 1, **timing)
