"""A saga as its author declares it: its elements in order, and what happens when they fail.

A definition is data. A wrong definition is refused when it is declared, and not in the middle of a
customer's order.
"""

import hashlib
from abc import ABCMeta
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from lib.saga.definition.checks import DeclarationError, refuse
from lib.saga.definition.checks.error import Declared, describe
from lib.saga.definition.checks.values import name_for_message, plain_name
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import DEFAULT_RETRY, PATIENT_RETRY, RetryPolicy
from lib.saga.definition.saga_checks.whole import faults_of_saga
from lib.saga.definition.steps import Child, Element, Parallel, Step
from lib.saga.definition.types.parameters import P
from lib.saga.definition.types.secret import is_marked
from lib.saga.definition.types.shape import describe_need, describe_type


class StepKind(StrEnum):
    """What a saga can do after a step: undo it, not roll back past it, or only retry it."""

    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"
    RETRIABLE = "retriable"


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
    Raises DeclarationError with everything that is wrong with the saga.
    """

    name: str
    payload: type[P]
    steps: Sequence[Element[P] | Parallel[P]]
    version: int = 1
    _: KW_ONLY
    deadline: timedelta | None = None
    on_compensation_failure: OnCompensationFailure = OnCompensationFailure.HALT

    def __post_init__(self) -> None:
        if isinstance(self.steps, list):
            object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "name", plain_name(self.name))
        refuse(f"saga {name_for_message(self.name)}", faults_of_saga(self))
        chosen = OnCompensationFailure(self.on_compensation_failure)
        object.__setattr__(self, "on_compensation_failure", chosen)

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
        children = (element.saga for element in self.elements if isinstance(element, Child))
        return self.pivot < len(self.elements) or any(child.has_pivot for child in children)

    @cached_property
    def has_pure_functions(self) -> bool:
        """Whether a decision may call an author's function: a condition or a child's payload."""
        return any(
            element.when is not None or isinstance(element, Child) for element in self.elements
        )

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
        element = self.elements[index]
        if phase is Phase.COMPENSATE and isinstance(element, Step | Child):
            return element.compensation_retry
        return self.retry_of(index)

    def retry_of(self, index: int) -> RetryPolicy:
        """Return the retry policy of an element's execution."""
        element = self.elements[index]
        stated = element.retry if isinstance(element, Step) else None
        return stated or (
            PATIENT_RETRY if self.kind_of(index) is StepKind.RETRIABLE else DEFAULT_RETRY
        )

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


class _Table(ABCMeta):
    """Explains wrong arguments of a table of sagas."""

    # A type checker sees the parameter itself.
    if not TYPE_CHECKING:

        def __call__(cls, *values: Any, **options: Any) -> Any:
            """Make a table; raise DeclarationError unless it gets one collection."""
            given = (*values, *options.values())
            if len(given) != 1 or options.keys() - {"sagas"} or not _is_collection(given[0]):
                shown = ", ".join(map(describe, given))
                raise DeclarationError(f"Definitions({shown}): write Definitions([A, B])")
            return super().__call__(*given)


class Definitions(Mapping[tuple[str, int], Saga], metaclass=_Table):
    """All declared sagas by (name, version), including child sagas.

    Raises DeclarationError with all that is wrong with the table.
    """

    def __init__(self, sagas: Iterable[Saga]) -> None:
        self._sagas: dict[tuple[str, int], Saga] = {}
        listed = list(sagas)
        refuse("Definitions", _faults_of_table(listed))
        for saga in listed:
            self._add(saga)

    def _add(self, saga: Saga) -> None:
        if self._sagas.setdefault((saga.name, saga.version), saga) is not saga:
            raise DeclarationError(
                f"saga {saga.name}: version {saga.version} is declared twice: give "
                "the newer one a higher version, or another name"
            )
        for element in saga.elements:
            if isinstance(element, Child):
                self._add(element.saga)

    def __getitem__(self, key: tuple[str, int]) -> Saga:
        return self._sagas[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._sagas)

    def __len__(self) -> int:
        return len(self._sagas)

    def latest(self, name: str) -> Saga | None:
        """Return the newest declared version of a saga, which new sagas start with, or None."""
        versions = [saga for saga in self._sagas.values() if saga.name == name]
        return max(versions, key=lambda saga: saga.version, default=None)


def _is_collection(sagas: object) -> bool:
    # Of a mapping, only the keys would be read.
    return isinstance(sagas, Iterable) and not isinstance(sagas, Saga | str | bytes | Mapping)


def _faults_of_table(listed: list[Any]) -> Iterator[str]:
    for number, each in enumerate(listed, 1):
        if isinstance(each, list | tuple | set | frozenset):
            yield f"entry {number} is a {type(each).__name__}: write *entry to list its items"
        elif not issubclass(type(each), Saga):  # a mock's __class__ is what it stands for
            yield f"entry {number} is {describe(each)}: write the Saga itself"
        elif any(each is other for other in listed[: number - 1]):
            yield f"entry {number} is saga {each.name} again: list it once"


def check_table(table: object) -> Definitions:
    """Return the table of sagas; raise DeclarationError if it is not one, but a list, say."""
    if not isinstance(table, Definitions):
        raise DeclarationError(
            f"the table of sagas is {describe(table)}: write DEFINITIONS = Definitions([...])"
        )
    return table
