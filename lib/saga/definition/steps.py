"""The elements of a saga: steps, timers, signals, and groups of them; see also child."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any, Generic

from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.annotations import faults_of_parameter, faults_of_result
from lib.saga.definition.checks.error import Declared, describe
from lib.saga.definition.checks.functions import ACTION, faults_of_function
from lib.saga.definition.checks.types import faults_of_type
from lib.saga.definition.checks.values import faults_of_duration, faults_of_flag
from lib.saga.definition.context import StepContext
from lib.saga.definition.element import Element, fault_of_element, faults_of_policy
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import PATIENT_RETRY, RetryPolicy
from lib.saga.definition.types.parameters import TakenP
from lib.saga.definition.types.returned import returned_type

#: A step's or compensation's function: (payload, context) -> a value that JSON can hold.
Action = Callable[[TakenP, StepContext[Any]], Any]

#: Cloud Tasks lets a task run for at most 30 minutes; one is reserved for recording the outcome.
MAX_TIMEOUT = timedelta(minutes=29)

#: The maximum number of members: they record their outcomes one by one, in the same entity.
MAX_GROUP = 20


@dataclass(frozen=True)
class Step(Element[TakenP]):
    """One local transaction of a saga and its compensation.

    `status` asks the participant whether the step was executed, if that is unknown: it returns the
    step's output, or raises NotHappened. Without it, what may have happened is compensated.
    `timeout` limits each call, including the compensation's. `retry` defaults to 5 attempts, and
    after the pivot to the policy of a compensation. With `own_task` the step and its compensation
    have a task of their own even if the saga is chained inline.

    `output` is the type of what `execute` returns. An output is checked against it when it is
    recorded, and decoded to it for the author's functions. If an output does not fit, the outcome
    counts as unknown, and the step is compensated without another attempt. What the type marks as
    `Secret` is never shown. Without `output`, outputs are plain JSON, and the return annotation of
    `execute` marks the secrets; if it cannot be resolved, the whole output is secret.
    """

    _: KW_ONLY
    execute: Action[TakenP]
    compensate: Action[TakenP] | None = None
    status: Action[TakenP] | None = None
    timeout: timedelta = timedelta(seconds=30)
    retry: RetryPolicy | None = None
    compensation_retry: RetryPolicy = PATIENT_RETRY
    output: Any = None
    own_task: bool = False

    def _find_faults(self) -> Iterator[str]:
        yield from super()._find_faults()
        for label, action in self._actions.items():
            yield from faults_of_function(label, action, ACTION)
            yield from faults_of_parameter(label, action, 1, StepContext)
            wanted = Any if label == "compensate" else self.decoded_type
            yield from faults_of_result(label, action, wanted)
        yield from faults_of_duration("timeout", self.timeout, most=MAX_TIMEOUT)
        if self.retry is not None:
            yield from faults_of_policy("retry", self.retry)
        yield from faults_of_policy("compensation_retry", self.compensation_retry)
        yield from faults_of_flag("own_task", self.own_task)
        if self.output is not None:
            yield from faults_of_type("output", self.output, is_whole=True)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The author's functions by parameter; each takes the saga's payload first."""
        return {**super().functions, **self._actions}

    @property
    def _actions(self) -> dict[str, Action[TakenP]]:
        optional = {"compensate": self.compensate, "status": self.status}
        given = {label: action for label, action in optional.items() if action is not None}
        return {"execute": self.execute, **given}

    def policy_for(self, phase: Phase) -> RetryPolicy | None:
        """Return the retry policy that the author stated for a phase, or None."""
        return self.compensation_retry if phase is Phase.COMPENSATE else self.retry

    @property
    def output_type(self) -> Any:
        """The type that marks the secrets in the step's output."""
        return returned_type(self.execute) if self.output is None else self.output

    @property
    def decoded_type(self) -> Any:
        """The type in which the author's functions get the step's output."""
        return Any if self.output is None else self.output

    @property
    def time_limit(self) -> timedelta:
        """The time limit of one delivery."""
        return self.timeout

    @property
    def can_be_undone(self) -> bool:
        """Whether the element has something to compensate."""
        return self.compensate is not None


@dataclass(frozen=True)
class Timer(Element[TakenP]):
    """Waits for the time `after`, up to 100 years. Waiting costs one look a day."""

    _: KW_ONLY
    after: timedelta

    def _find_faults(self) -> Iterator[str]:
        yield from super()._find_faults()
        yield from faults_of_duration("after", self.after, least=timedelta(0))


@dataclass(frozen=True)
class Signal(Element[TakenP]):
    """Waits for the signal with its name; its output is the signal's payload.

    The signal may arrive before the saga reaches this element. Only the first one counts. `payload`
    is the type that its payload must fit. If it does not arrive `within` that time, the step fails
    permanently.
    """

    _: KW_ONLY
    payload: Any = object
    within: timedelta | None = None

    @property
    def output_type(self) -> Any:
        """The type of the signal's payload, which is the output."""
        return self.payload

    def _find_faults(self) -> Iterator[str]:
        yield from super()._find_faults()
        yield from faults_of_type("payload", self.payload)
        if self.within is not None:
            yield from faults_of_duration("within", self.within, least=timedelta(0))


@dataclass(frozen=True, init=False)
class Parallel(Declared, Generic[TakenP]):
    """A group of at most 20 elements that may run in parallel, each in a task of its own."""

    elements: tuple[Element[TakenP], ...]

    def __init__(self, *elements: Element[TakenP]) -> None:
        names = ", ".join(each.name for each in elements if isinstance(each, Element))
        refuse(f"Parallel({names})", _faults_of_group(elements))
        object.__setattr__(self, "elements", elements)


def _faults_of_group(elements: tuple[object, ...]) -> Iterator[str]:
    if not 1 <= len(elements) <= MAX_GROUP:
        yield f"a group has 1 to {MAX_GROUP} elements, not {len(elements)}"
    for element in elements:
        if isinstance(element, list | tuple):
            write = "write Parallel(a, b), or Parallel(*elements)"
            yield f"{describe(element)} is not an element: {write}"
        elif isinstance(element, str):
            write = "a group has no name: write Parallel(a, b)"
            yield f"{describe(element)} is not an element of a saga, and {write}"
        elif isinstance(element, Generator):
            yield "a generator is not an element: write Parallel(*elements)"
        elif isinstance(element, Parallel):
            yield "a group cannot contain a group: list the elements of both in one Parallel(...)"
        elif not isinstance(element, Element):
            yield fault_of_element(element)
        elif element.pivot:
            yield (
                f"{element.name} is the pivot, which cannot be in a group, because a group may "
                "complete in part: put it before or after the group"
            )
