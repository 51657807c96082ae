"""How each kind of part begins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.saga.author_code.deferred_work import check_ran
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Child, Part, Predicate, Signal, Timer
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.draft import Decision, Draft
from lib.saga.machine.schedule import schedule, schedule_timer
from lib.saga.machine.starting.creations import new_child
from lib.saga.machine.starting.functions import CannotBegin, cannot_begin, evaluate
from lib.saga.state.limits import BYTES_PER_WEIGHT
from lib.saga.state.payload import canonical_payload
from lib.saga.state.records import SagaRecord, SagaStatus, StepStatus

#: Begins a saga: what `deciding.begin` does.
Begin = Callable[[Saga, SagaRecord], Decision]


@dataclass(frozen=True, slots=True)
class Skip:
    """The part's condition says no."""


@dataclass(frozen=True, slots=True)
class Run:
    """A delivery runs the part's action."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The part waits until a time, or for however long it takes."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class TakeSignal:
    """The part's signal has come already."""

    signal: str


@dataclass(frozen=True, slots=True)
class StartChild:
    """The part's child saga begins so."""

    child: Decision


#: How a part begins; CannotBegin, as a value, if it cannot.
Plan = Skip | Run | Wait | TakeSignal | StartChild | CannotBegin


def plan_step(definition: Saga, draft: Draft, index: int, begin: Begin) -> Plan:
    """Find out how a part begins: all of it that can go wrong, and nothing of the draft changes.

    What goes wrong, in an author's function or in what he has declared, is the reason for which
    this part cannot begin. It is no fault of the part before.
    """
    part = definition.parts[index]
    try:
        if part.when and not _is_wanted(definition, draft, part.when):
            return Skip()
        if isinstance(part, Child):
            return _plan_child(definition, draft, index, part, begin)
        return _plan_wait(draft, index, part)
    except CannotBegin as problem:
        return problem
    except Exception as problem:  # a time that is out of range, a value of the wrong type
        return cannot_begin(problem, definition, draft.saga, draft.steps)


def _is_wanted(definition: Saga, draft: Draft, when: Predicate) -> bool:
    return bool(evaluate("its when function", when, definition, draft.saga, draft.steps))


def _plan_child(definition: Saga, draft: Draft, index: int, part: Child, begin: Begin) -> Plan:
    payload = evaluate(
        "its payload function",
        lambda payload, outputs: canonical_payload(
            check_ran(part.payload(payload, outputs), "its payload function"), part.saga.payload
        ),
        definition, draft.saga, draft.steps,
    )  # fmt: skip
    child = new_child(part, draft.saga, draft.steps[index], payload, draft.now)
    child.paused, child.parent_pause = draft.saga.paused, draft.saga.pause_number
    return StartChild(begin(part.saga, child))


def _plan_wait(draft: Draft, index: int, part: Part) -> Plan:
    signal = draft.steps[index].signal
    if isinstance(part, Timer):
        return Wait(draft.now + part.after)
    if isinstance(part, Signal) and signal is None:
        return Wait(None if part.within is None else draft.now + part.within)
    return Run() if signal is None else TakeSignal(signal)


def weigh_plan(plan: Plan) -> int:
    """Return how much of one commit it takes to begin a part so."""
    if isinstance(plan, StartChild):
        return plan.child.weight
    return len(plan.signal) // BYTES_PER_WEIGHT if isinstance(plan, TakeSignal) else 0


def begin_step(definition: Saga, draft: Draft, index: int, plan: Plan) -> None:
    """Begin a part as planned: nothing here can go wrong any more."""
    if isinstance(plan, Run):
        schedule(definition, draft, index, Phase.EXECUTE)
        return
    run(draft)
    match plan:
        case CannotBegin():
            _end(draft, index, StepStatus.FAILED, Cause.FAILED_FOR_GOOD, error=str(plan))
        case Skip():
            _end(draft, index, StepStatus.SKIPPED, Cause.SKIPPED)
        case TakeSignal():
            _end(draft, index, StepStatus.COMPLETED, Cause.SIGNALLED, output=plan.signal)
        case StartChild():
            draft.children.append(plan.child)
            child = plan.child.saga.id
            draft.move_step(index, StepStatus.WAITING, Cause.CHILD_STARTED, child=child)
            schedule_timer(definition, draft, index, None)
        case Wait():
            draft.move_step(
                index,
                StepStatus.WAITING,
                Cause.WAITS,
                waits_until=plan.until,
                waits_for_signal=isinstance(definition.parts[index], Signal),
            )
            schedule_timer(definition, draft, index, plan.until)


def postpone_step(definition: Saga, draft: Draft, index: int) -> None:
    """Let a part begin by a delivery of its own: it would not fit into this commit."""
    schedule(definition, draft, index, Phase.START)


def _end(
    draft: Draft, index: int, status: StepStatus, cause: Cause, *, error: str = "", **changes: Any
) -> None:
    draft.move_step(index, status, cause, error=error, awaits=None, **changes)


def run(draft: Draft) -> None:
    """Put a saga that has done something into RUNNING."""
    if draft.saga.status is SagaStatus.PENDING:
        draft.move_saga(SagaStatus.RUNNING, Cause.FIRST_STEP_RAN)
