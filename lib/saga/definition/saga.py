"""A saga as its author declares it: its elements in order, and what happens when they fail.

A definition is data. A wrong definition is refused when it is declared, and not in the middle of a
customer's order.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Generic

from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.error import Declared
from lib.saga.definition.checks.values import name_for_message, plain_name
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import DEFAULT_RETRY, PATIENT_RETRY, RetryPolicy
from lib.saga.definition.saga_checks.whole import faults_of_saga
from lib.saga.definition.steps import Parallel, Step
from lib.saga.definition.types.parameters import P
from lib.saga.definition.types.secret import is_marked
from lib.saga.definition.types.shape import describe_need, describe_type


class StepKind(StrEnum):
    """What a saga can do after a step: undo it, not roll back past it, or only retry it."""

    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"
    RETRIABLE = "retriable"


class Chaining(StrEnum):
    """How a saga goes from one step to the next."""

    #: Each step has a task of its own.
    TASKS = "tasks"
    #: The same invocation goes on while it has time for the next step.
    INLINE = "inline"


class OnCompensationFailure(StrEnum):
    """What happens to the other compensations when one of them fails permanently."""

    HALT = "halt"
    CONTINUE = "continue"


@dataclass(frozen=True)
class Saga(Declared, Generic[P]):
    """A distributed transaction: its name, the type of its payload and its elements in order.

    `payload` is any type that msgspec can decode. Raise `version` when the elements change, and
    keep the old version declared until no unfinished saga needs it. Once `deadline` has passed
    since its start, no new step begins, and the saga rolls back; after its pivot it continues.

    With `chaining=Chaining.INLINE` a step follows the one before in the same invocation, without a
    task, while that has time for it; the first steps run in the request that starts the saga.
    Groups, waits, children, retries and steps with `own_task` always have a task.
    Raises DeclarationError with everything that is wrong with the saga.
    """

    name: str
    payload: type[P]
    steps: Sequence[Element[P] | Parallel[P]]
    version: int = 1
    _: KW_ONLY
    deadline: timedelta | None = None
    on_compensation_failure: OnCompensationFailure = OnCompensationFailure.HALT
    chaining: Chaining = Chaining.TASKS

    def __post_init__(self) -> None:
        if isinstance(self.steps, list):
            object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "name", plain_name(self.name))
        refuse(f"saga {name_for_message(self.name)}", faults_of_saga(self))
        chosen = OnCompensationFailure(self.on_compensation_failure)
        object.__setattr__(self, "on_compensation_failure", chosen)
        object.__setattr__(self, "chaining", Chaining(self.chaining))

    @cached_property
    def elements(self) -> tuple[Element[P], ...]:
        """All elements in order, with the members of each group one after the other."""
        return tuple(element for step in self.steps for element in _elements_of(step))

    @cached_property
    def stages(self) -> tuple[range, ...]:
        """The indexes of the elements that run in parallel, stage by stage."""
        stages, first = [], 0
        for step in self.steps:
            stages.append(range(first, first + len(_elements_of(step))))
            first = stages[-1].stop
        return tuple(stages)

    def stage_of(self, index: int) -> range:
        """Return the stage that an element belongs to."""
        return next(stage for stage in self.stages if index in stage)

    @cached_property
    def pivot(self) -> int:
        """The index of the pivot, or the number of elements if there is none."""
        return next(
            (i for i, element in enumerate(self.elements) if element.pivot), len(self.elements)
        )

    @property
    def has_pivot(self) -> bool:
        """Whether there is a point of no return, here or in a child."""
        return any(element.has_pivot for element in self.elements)

    @cached_property
    def has_pure_functions(self) -> bool:
        """Whether a decision may call an author's function: a condition or a child's payload."""
        return any(element.has_pure_function for element in self.elements)

    @cached_property
    def has_secrets(self) -> bool:
        """Whether the type of the payload, a signal or an output marks something as secret."""
        kinds = (self.payload, *(element.output_type for element in self.elements))
        return any(is_marked(kind) for kind in kinds)

    def kind_of(self, index: int) -> StepKind:
        """Return an element's kind, which follows from its position relative to the pivot."""
        if index == self.pivot:
            return StepKind.PIVOT
        return StepKind.COMPENSATABLE if index < self.pivot else StepKind.RETRIABLE

    def records_begin_of(self, index: int) -> bool:
        """Return whether a commit records that a step is about to run, which only a pivot needs.

        The saga may roll back only if it is known that its pivot had no effect. For any other step
        it is enough to compensate what may have happened.
        """
        element = self.elements[index]
        return element.pivot and isinstance(element, Step)

    def policy_of(self, index: int, phase: Phase) -> RetryPolicy:
        """Return the retry policy of one phase of an element."""
        stated = self.elements[index].policy_for(phase)
        return stated or (
            PATIENT_RETRY if self.kind_of(index) is StepKind.RETRIABLE else DEFAULT_RETRY
        )

    def retry_of(self, index: int) -> RetryPolicy:
        """Return the retry policy of an element's execution."""
        return self.policy_of(index, Phase.EXECUTE)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that decides which action runs when; policies may change freely."""
        stages = ["+".join(self.elements[i].fingerprint for i in stage) for stage in self.stages]
        return hashlib.sha256("\n".join([self.name, *stages]).encode()).hexdigest()[:16]

    @cached_property
    def types(self) -> str:
        """A hash of the types of payload, signals and outputs, as far as they are declared."""
        kinds = [
            describe_type(self.payload),
            *(describe_type(p.output_type) for p in self.elements),
        ]
        return hashlib.sha256("\n".join(kinds).encode()).hexdigest()[:16]

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """For each element, a hash of what its signal's payload or its output must contain."""
        return tuple(describe_need(element.output_type) for element in self.elements)


def _elements_of(step: Element[P] | Parallel[P]) -> tuple[Element[P], ...]:
    return step.elements if isinstance(step, Parallel) else (step,)
