"""Schedules the next delivery of a step."""

from datetime import datetime, timedelta

from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import MAX_PAUSE, RetryPolicy
from lib.saga.definition.saga import Saga, StepKind
from lib.saga.machine.causes import Cause, Reason
from lib.saga.machine.decision.decision import NoChange
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import FINAL, MAYBE_APPLIED, AttemptEnded, Result
from lib.saga.machine.outstanding import is_overdue, outstanding, overdue_at
from lib.saga.machine.waits import waits_of
from lib.saga.state.delivery import jitter_of
from lib.saga.state.records import ACTIVE, SagaRecord, StepRecord, StepStatus

#: A delivery that is due within this time may be in flight: a rollback waits for it.
IN_FLIGHT = timedelta(seconds=2)


def schedule(
    definition: Saga, draft: Draft, index: int, phase: Phase, after: timedelta = timedelta(0)
) -> None:
    """Schedule the next attempt of a phase: the step waits for its delivery."""
    step = draft.steps[index]
    attempt = step.attempt + 1
    draft.change_step(
        index,
        awaits=phase,
        attempt=attempt,
        first_attempt=step.first_attempt if step.awaits is phase else attempt,
        epoch=0,
        unbegun=phase is Phase.EXECUTE and definition.records_begin_of(index),
        inline=False,
        scheduled_at=draft.now + min(after, MAX_PAUSE),
        timeout_seconds=definition.elements[index].time_limit.total_seconds(),
    )


def schedule_timer(definition: Saga, draft: Draft, index: int, at: datetime | None) -> None:
    """Schedule the end of a wait, or the saga's deadline if it is earlier; None means never."""
    times = [time for time in (at, deadline_of(definition, draft.saga, index)) if time is not None]
    if times:
        after = max(min(times) - draft.now, timedelta(0))
        schedule(definition, draft, index, Phase.EXECUTE, after)
    else:
        draft.change_step(index, awaits=None)


def schedule_retry(
    definition: Saga, draft: Draft, ended: AttemptEnded, policy: RetryPolicy
) -> bool:
    """Schedule another attempt if the policy has one left and it comes before the deadline."""
    index, step = ended.step, draft.steps[ended.step]
    if ended.result in MAYBE_APPLIED and ended.phase is Phase.EXECUTE:
        draft.change_step(index, maybe_applied=True)
    if ended.result in FINAL or step.tries >= policy.attempts:
        return False
    after = ended.after
    if after is None:
        after = policy.delay(step.tries, jitter_of(draft.saga.id, index, ended.attempt))
    deadline = deadline_of(definition, draft.saga, index)
    if ended.phase is Phase.EXECUTE and deadline and draft.now + after >= deadline:
        return False
    error = describe_failure(step, ended)
    draft.note(Cause.RETRY_SCHEDULED, step=index, error=f"{ended.result}: {error}")
    draft.keep_error(index, error)
    schedule(definition, draft, index, ended.phase, after)
    draft.saga.retries += 1
    return True


def describe_failure(step: StepRecord, ended: AttemptEnded) -> str:
    """Return what has gone wrong. Before the error of a status query comes that of the action."""
    if ended.phase is not Phase.STATUS:
        return ended.error
    query = f"; {Reason.STATUS_QUERY}: "
    said_no = ended.result is Result.NOT_HAPPENED
    found = ended.error or (Cause.STEP_NOT_EXECUTED if said_no else "")
    culprit = step.error.partition(query)[0]
    return f"{culprit}{query}{found}" if culprit and found else found


def deadline_of(definition: Saga, saga: SagaRecord, index: int) -> datetime | None:
    """Return the saga's deadline if it applies to a step.

    It does not apply to a pivot that has begun: another dispatch may be running it.
    """
    holds = definition.kind_of(index) is StepKind.COMPENSATABLE
    return saga.deadline_at if holds else None


def redeliver_if_due(draft: Draft, *, at_once: bool) -> None:
    """Redeliver overdue deliveries, under new task names.

    With `at_once`, also redeliver the parent's notification, even if it is not overdue.
    """
    if at_once or is_overdue(draft.saga, draft.now):
        redeliver_or_park(draft)
    else:
        draft.ignore(NoChange.NOTHING_DUE)


def redeliver_or_park(draft: Draft) -> None:
    """Redeliver what is overdue, and the notification of the parent; park a stuck saga.

    A stuck saga waits for nothing. This is the last safety net, which no saga should ever need.
    """
    saga = draft.saga
    if saga.status in ACTIVE and not waits_of(saga, draft.steps):
        draft.park(saga.current_step, Cause.NOTHING_AWAITED, Cause.NOTHING_AWAITED)
    for delivery in outstanding(saga, draft.steps):
        if delivery.phase is Phase.CHILD:
            draft.note(Cause.DELIVERY_OVERDUE)
            saga.epoch += 1
        elif overdue_at(delivery) <= draft.now:
            redeliver_step(draft, delivery.step, Cause.DELIVERY_OVERDUE)
    if not draft.has_events:
        draft.ignore(NoChange.NOTHING_DUE)


def redeliver_step(draft: Draft, index: int, cause: Cause) -> None:
    """Raise a step's epoch, so that its delivery gets a new task name.

    The earlier delivery may have run the action, unless the records rule that out: a waiting step
    has no action, and a pivot's begin is recorded before it runs.
    """
    step = draft.steps[index]
    may_have_run = step.awaits is Phase.EXECUTE and step.status is not StepStatus.WAITING
    draft.note(cause, step=index)
    draft.change_step(
        index,
        epoch=step.epoch + 1,
        scheduled_at=max(draft.now, step.scheduled_at or draft.now),
        maybe_applied=step.maybe_applied or (may_have_run and not step.unbegun),
    )
