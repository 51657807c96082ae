"""Checks a saga as a whole: how its elements relate to each other."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from lib.saga.definition.checks.annotations import faults_of_parameter
from lib.saga.definition.checks.error import describe
from lib.saga.definition.checks.types import faults_of_type
from lib.saga.definition.checks.values import (
    MAX_VERSION,
    faults_of_count,
    faults_of_duration,
    faults_of_name,
)
from lib.saga.definition.element import Element, SagaOutline, fault_of_element
from lib.saga.definition.saga_checks.outputs import faults_of_outputs
from lib.saga.definition.saga_checks.sizes import faults_of_size
from lib.saga.definition.steps import Parallel, Signal, Step, Timer

#: The default timeout of a step. It is not compared with the saga's deadline.
_DEFAULT_TIMEOUT = timedelta(seconds=30)

_OUTCOMES = ("halt", "continue")

_CHAININGS = ("tasks", "inline")


def faults_of_saga(saga: SagaOutline) -> Iterator[str]:
    """Yield everything that is wrong with a saga whose elements passed their own checks."""
    yield from faults_of_name(saga.name)
    yield from faults_of_type("payload", saga.payload)
    because = "versions count from 1"
    yield from faults_of_count("version", saga.version, most=MAX_VERSION, because=because)
    late = [] if saga.deadline is None else list(faults_of_duration("deadline", saga.deadline))
    yield from late
    chosen: object = saga.on_compensation_failure
    if not isinstance(chosen, str) or chosen not in _OUTCOMES:
        yield (
            f"on_compensation_failure is {describe(saga.on_compensation_failure)}: write "
            "OnCompensationFailure.HALT or OnCompensationFailure.CONTINUE"
        )
    chaining: object = saga.chaining
    if not isinstance(chaining, str) or chaining not in _CHAININGS:
        yield f"chaining is {describe(chaining)}: write Chaining.TASKS or Chaining.INLINE"
    wrong = list(_faults_of_steps(saga.steps))
    yield from wrong
    if not wrong:
        yield from _faults_of_names(saga.elements)
        yield from _faults_of_pivot(saga)
        yield from _faults_of_payload(saga)
        yield from faults_of_outputs(saga)
        yield from _faults_of_children(saga)
        yield from faults_of_size(saga)
        if saga.deadline is not None and not late:
            yield from _faults_of_times(saga, saga.deadline)


def _faults_of_steps(steps: Any) -> Iterator[str]:
    if isinstance(steps, Element | Parallel):
        yield f"steps is {describe(steps)} alone: a tuple of one has a comma, steps=(Step(...),)"
    elif not isinstance(steps, tuple):
        yield f"steps is {describe(steps)}: write a tuple, steps=(Step(...), Step(...))"
    elif not steps:
        yield "steps is empty: a saga has at least one step"
    else:
        for number, element in enumerate(steps, 1):
            if isinstance(element, list | tuple):
                wrong = describe(element)
                yield f"entry {number} of steps is {wrong}: write *entry, or Parallel(...)"
            elif not isinstance(element, Element | Parallel):
                yield f"entry {number} of steps: {fault_of_element(element)}"


def _faults_of_names(elements: tuple[Element, ...]) -> Iterator[str]:
    for name, count in Counter(element.name for element in elements).items():
        if count > 1:
            yield f"{count} steps have the same name, {name}: a name is a step's identity"


def _faults_of_pivot(saga: SagaOutline) -> Iterator[str]:
    pivots = [element.name for element in saga.elements if element.pivot]
    if len(pivots) > 1:
        yield f"more than one pivot ({', '.join(pivots)}): only one step is the point of no return"
        return
    for index, element in enumerate(saga.elements):
        if index >= saga.pivot and isinstance(element, Step) and element.compensate:
            yield (
                f"step {element.name} can be compensated, but from the pivot on the saga only goes "
                "forward: remove compensate=, or move the step before the pivot"
            )
        if index < saga.pivot and element.child and element.child.has_pivot:
            yield (
                f"{element.name}: the child saga {element.child.name} has a pivot and cannot be "
                "rolled back: make it the pivot, or move it after the pivot"
            )


def _faults_of_payload(saga: SagaOutline) -> Iterator[str]:
    """Yield what is wrong with functions that are annotated for another saga's payload."""
    for element in saga.elements:
        for label, function in element.functions.items():
            for fault in faults_of_parameter(label, function, 0, saga.payload):
                yield f"{element.kind} {element.name}: {fault}"


def _faults_of_children(saga: SagaOutline) -> Iterator[str]:
    for element in saga.elements:
        if element.child and _holds(element.child, (saga.name, saga.version)):
            child = element.child.name
            yield f"{element.name}: the child saga {child} contains this saga: it would never end"


def _holds(saga: SagaOutline, identity: tuple[str, int]) -> bool:
    children = (element.child for element in saga.elements if element.child)
    return (saga.name, saga.version) == identity or any(_holds(each, identity) for each in children)


def _faults_of_times(saga: SagaOutline, deadline: timedelta) -> Iterator[str]:
    """Yield what cannot finish before the deadline, which counts only up to the pivot."""
    for element in saga.elements[: saga.pivot]:
        for label, length in _lengths_of(element).items():
            if length >= deadline:
                yield (
                    f"{element.name}: {label} is {length}, and the saga's deadline of {deadline} "
                    "comes first: shorten it, or give the saga more time"
                )
    waits = shortest_time(saga)
    if waits >= deadline:
        yield (
            f"its timers before the pivot take {waits} in total, and the deadline of {deadline} "
            "comes first: shorten them, or give the saga more time"
        )


def _lengths_of(element: Element) -> dict[str, timedelta]:
    if isinstance(element, Timer):
        return {"after": element.after}
    if isinstance(element, Signal) and element.within is not None:
        return {"within": element.within}
    if isinstance(element, Step) and element.timeout != _DEFAULT_TIMEOUT:
        return {"timeout": element.timeout}
    return {}


def shortest_time(saga: SagaOutline) -> timedelta:
    """Return the shortest time that a saga waits for its timers, up to its pivot."""
    stages = (stage for stage in saga.stages if stage.start < saga.pivot)
    return sum((max(map(_wait_of, (saga.elements[i] for i in s))) for s in stages), timedelta(0))


def _wait_of(element: Element) -> timedelta:
    if element.when is not None:
        return timedelta(0)
    if element.child:
        return shortest_time(element.child)
    return element.after if isinstance(element, Timer) else timedelta(0)
