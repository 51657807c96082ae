"""Checks that an input is possible. One that no delivery of the saga can cause means a bug."""

from typing import assert_never

from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.inputs import (
    AttemptEnded,
    ChildEnded,
    ImpossibleInput,
    PivotBegun,
    Result,
    StartDue,
    StepInput,
    StopObserved,
    TimerFired,
)
from lib.saga.state.records import FINISHED

#: The phases in which an author's code, or the rollback of a child, runs.
RUNS = frozenset({Phase.EXECUTE, Phase.COMPENSATE, Phase.STATUS})


def check_possible(definition: Saga, given: StepInput) -> None:
    """Raise ImpossibleInput for an input that no delivery of the saga can cause.

    This depends on the definition alone, so a stale input is possible.
    """
    if not 0 <= given.step < len(definition.elements):
        raise ImpossibleInput(f"saga {definition.name} has no step at index {given.step}")
    element = definition.elements[given.step]
    fault = _find_fault(definition, element, given)
    if fault:
        name = type(given).__name__
        raise ImpossibleInput(
            f"{name} of {element.kind} {element.name} of {definition.name}: {fault}"
        )


def _find_fault(definition: Saga, element: Element, given: StepInput) -> str:
    match given:
        case AttemptEnded():
            return _fault_of_attempt(element, given)
        case PivotBegun():
            records = definition.records_begin_of(given.step)
            return "" if records else "only a step that is a pivot records its beginning"
        case TimerFired():
            return "a step does not wait" if isinstance(element, Step) else ""
        case StopObserved():
            return "" if isinstance(element, Step) else "only a step is run by a delivery"
        case ChildEnded():
            if not isinstance(element, Child):
                return "it has no child saga"
            return "" if given.status in FINISHED else f"its child is {given.status}"
        case StartDue():
            return ""
        case _:
            assert_never(given)


def _fault_of_attempt(element: Element, ended: AttemptEnded) -> str:
    if ended.phase not in RUNS:
        return f"no action runs in phase {ended.phase}"
    if ended.result is Result.IN_PROGRESS:
        rolls_back = isinstance(element, Child) and ended.phase is Phase.COMPENSATE
        return "" if rolls_back else "only the rollback of a child saga is in progress"
    if ended.result is Result.NOT_HAPPENED and ended.phase is not Phase.STATUS:
        return "only a status query is answered with not_happened"
    if isinstance(element, Child):
        return "" if ended.phase is Phase.COMPENSATE else "only its rollback is an action"
    return "" if isinstance(element, Step) else "it has no action"
