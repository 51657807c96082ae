"""How each kind of step begins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from lib.saga.author_code.deferred_work import check_ran
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element, Predicate
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Timer
from lib.saga.machine.causes import Cause
from lib.saga.machine.decision.decision import Decision, size_of_new_saga
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.schedule import schedule, schedule_timer
from lib.saga.machine.start.creations import new_child
from lib.saga.machine.start.pure_functions import CannotBegin, cannot_begin, evaluate
from lib.saga.state.payload import canonical_payload
from lib.saga.state.records import SagaRecord, StepStatus

#: Begins a saga: `begin.begin`, passed in to avoid a circular import.
Begin = Callable[[Saga, SagaRecord], Decision]


@dataclass(frozen=True, slots=True)
class SkipStep:
    """The step's condition is false."""


@dataclass(frozen=True, slots=True)
class RunStep:
    """A delivery runs the step's action."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The step waits until a time; None means without limit."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class TakeSignal:
    """The step's signal was received early: its payload, as JSON."""

    signal: str


@dataclass(frozen=True, slots=True)
class StartChild:
    """The step starts a child saga: its first decision."""

    child: Decision


#: How a step begins, or why it cannot.
Plan = SkipStep | RunStep | WaitUntil | TakeSignal | StartChild | CannotBegin


def plan_step(definition: Saga, draft: Draft, index: int, begin: Begin) -> Plan:
    """Return how a step begins, without changing the draft.

    Everything that can fail happens here. After an error in an author's function or declaration,
    this step cannot begin; the outcome of the previous step is not affected.
    """
    element = definition.elements[index]
    try:
        if element.when and not _is_wanted(definition, draft, element.when):
            return SkipStep()
        if isinstance(element, Child):
            return _plan_child(definition, draft, index, element, begin)
        return _plan_wait(draft, index, element)
    except CannotBegin as problem:
        return problem
    except Exception as problem:  # a time that is out of range, a value of the wrong type
        return cannot_begin(problem, definition, draft.saga, draft.steps)


def _is_wanted(definition: Saga, draft: Draft, when: Predicate) -> bool:
    return bool(evaluate("its when function", when, definition, draft.saga, draft.steps))


def _plan_child(definition: Saga, draft: Draft, index: int, child: Child, begin: Begin) -> Plan:
    payload = evaluate(
        "its payload function",
        lambda payload, outputs: canonical_payload(
            check_ran(child.payload(payload, outputs), "its payload function"), child.saga.payload
        ),
        definition, draft.saga, draft.steps,
    )  # fmt: skip
    saga = new_child(child, draft.saga, draft.steps[index], payload, draft.now)
    saga.paused, saga.parent_pause = draft.saga.paused, draft.saga.pause_number
    return StartChild(begin(child.saga, saga))


def _plan_wait(draft: Draft, index: int, element: Element) -> Plan:
    signal = draft.steps[index].signal
    if isinstance(element, Timer):
        return WaitUntil(draft.now + element.after)
    if isinstance(element, Signal) and signal is None:
        return WaitUntil(None if element.within is None else draft.now + element.within)
    return RunStep() if signal is None else TakeSignal(signal)


def size_of_plan(plan: Plan) -> int:
    """Return an upper bound of a plan's new child saga, in bytes of the commit."""
    return size_of_new_saga(plan.child) if isinstance(plan, StartChild) else 0


def begin_step(definition: Saga, draft: Draft, index: int, plan: Plan) -> None:
    """Begin a step as planned. Nothing here can fail."""
    if not isinstance(plan, RunStep):
        draft.mark_running()
    match plan:
        case RunStep():
            schedule(definition, draft, index, Phase.EXECUTE)
        case CannotBegin():
            cause = Cause.FAILED_PERMANENTLY
            draft.move_step(index, StepStatus.FAILED, cause, error=str(plan), awaits=None)
        case SkipStep():
            draft.move_step(index, StepStatus.SKIPPED, Cause.CONDITION_NOT_MET, awaits=None)
        case TakeSignal():
            output, status = plan.signal, StepStatus.COMPLETED
            draft.move_step(index, status, Cause.SIGNAL_RECEIVED, output=output, awaits=None)
        case StartChild():
            draft.children.append(plan.child)
            child = plan.child.saga
            draft.move_step(
                index,
                StepStatus.WAITING,
                Cause.CHILD_STARTED,
                child=child.id,
                input=child.payload,
            )
            schedule_timer(definition, draft, index, None)
        case WaitUntil():
            draft.move_step(
                index,
                StepStatus.WAITING,
                Cause.STEP_WAITING,
                waits_until=plan.until,
                waits_for_signal=isinstance(definition.elements[index], Signal),
            )
            schedule_timer(definition, draft, index, plan.until)
        case _:
            assert_never(plan)


def postpone_step(definition: Saga, draft: Draft, index: int) -> None:
    """Let a step begin with a delivery of its own: it does not fit into this commit."""
    schedule(definition, draft, index, Phase.START)
