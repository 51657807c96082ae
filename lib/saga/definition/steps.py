"""The elements of a saga: steps, timers, signals, child sagas, and groups of them."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic

from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.annotations import faults_of_parameter, faults_of_result
from lib.saga.definition.checks.error import Declared, describe
from lib.saga.definition.checks.functions import ACTION, PURE, faults_of_function
from lib.saga.definition.checks.types import faults_of_type
from lib.saga.definition.checks.values import (
    faults_of_duration,
    faults_of_flag,
    faults_of_name,
    faults_of_text,
    name_for_message,
    plain_name,
)
from lib.saga.definition.context import StepContext
from lib.saga.definition.retry_policy import PATIENT_RETRY, RetryPolicy
from lib.saga.definition.types.parameters import ChildP, TakenP
from lib.saga.definition.types.returned import returned_type

if TYPE_CHECKING:
    from lib.saga.definition.saga import Saga

#: A step's or compensation's function: (payload, context) -> a value that JSON can hold.
Action = Callable[[TakenP, StepContext[Any]], Any]

#: A pure function of the payload and of the outputs so far by step name. The second type is Any
#: because an author may annotate a TypedDict, which type checkers do not accept for a mapping.
Predicate = Callable[[TakenP, Any], bool]

#: Cloud Tasks lets a task run for at most 30 minutes; one is reserved for recording the outcome.
MAX_TIMEOUT = timedelta(minutes=29)

#: The time limit of a delivery that runs no author's code.
MAX_PLAIN_DELIVERY = timedelta(seconds=10)

#: The maximum number of members: they record their outcomes one by one, in the same entity.
MAX_GROUP = 20


@dataclass(frozen=True)
class Element(Declared, Generic[TakenP]):
    """An element of a saga. Raises DeclarationError with everything that is wrong with it.

    The element is skipped if `when` returns False. `pivot` marks the point of no return: once it
    has completed, the saga only goes forward.
    """

    name: str
    _: KW_ONLY
    service: str = ""
    when: Predicate[TakenP] | None = None
    pivot: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_name(self.name))
        refuse(f"{self.kind} {name_for_message(self.name)}", self._find_faults())

    @property
    def kind(self) -> str:
        """The element's kind in messages: step, timer, signal or child."""
        return type(self).__name__.lower()

    def _find_faults(self) -> Iterator[str]:
        yield from faults_of_name(self.name)
        yield from faults_of_text("service", self.service)
        yield from faults_of_flag("pivot", self.pivot)
        if self.when is not None:
            yield from _faults_of_pure_function("when", self.when, bool)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The author's functions by parameter; each takes the saga's payload first."""
        return {} if self.when is None else {"when": self.when}

    @property
    def time_limit(self) -> timedelta:
        """The time limit of one delivery."""
        return MAX_PLAIN_DELIVERY

    @property
    def can_be_undone(self) -> bool:
        """Whether the element has something to compensate."""
        return False

    @property
    def output_type(self) -> Any:
        """The type that marks the secrets in the element's output."""
        return Any

    @property
    def decoded_type(self) -> Any:
        """The type in which the author's functions get the element's output."""
        return Any

    @property
    def fingerprint(self) -> str:
        """A text of everything that decides what runs when; policies may change freely."""
        marks = (self.can_be_undone, self.pivot, self.when is not None)
        return "|".join(map(str, (self.kind, self.name, self.service, *marks)))


@dataclass(frozen=True)
class Step(Element[TakenP]):
    """One local transaction of a saga and its compensation.

    `status` asks the participant whether the step was executed, if that is unknown: it returns the
    step's output, or raises NotHappened. Without it, what may have happened is compensated.
    `timeout` limits each call, including the compensation's. `retry` defaults to 5 attempts, and
    after the pivot to the policy of a compensation.

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

    def _find_faults(self) -> Iterator[str]:
        yield from super()._find_faults()
        for label, action in self._actions.items():
            yield from faults_of_function(label, action, ACTION)
            yield from faults_of_parameter(label, action, 1, StepContext)
            wanted = Any if label == "compensate" else self.decoded_type
            yield from faults_of_result(label, action, wanted)
        yield from faults_of_duration("timeout", self.timeout, most=MAX_TIMEOUT)
        if self.retry is not None:
            yield from _faults_of_policy("retry", self.retry)
        yield from _faults_of_policy("compensation_retry", self.compensation_retry)
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


@dataclass(frozen=True)
class Child(Element[TakenP], Generic[TakenP, ChildP]):
    """Runs another saga and takes over its outcome; its output is that of the child's last step.

    `payload` makes the child's payload from this saga's payload and outputs. If this saga rolls
    back, the child rolls back too, even if it is COMPLETED.
    """

    _: KW_ONLY
    saga: "Saga[ChildP]"
    payload: Callable[[TakenP, Any], ChildP]
    compensation_retry: RetryPolicy = PATIENT_RETRY

    if not TYPE_CHECKING:

        def __class_getitem__(cls, kinds: Any) -> Any:
            """Accept Child[P] too: before Python 3.13, type parameters have no defaults."""
            given = kinds if isinstance(kinds, tuple) else (kinds,)
            return super().__class_getitem__((*given, Any)[: max(len(given), 2)])

    def _find_faults(self) -> Iterator[str]:
        from lib.saga.definition.saga import Saga

        yield from super()._find_faults()
        if not isinstance(self.saga, Saga):
            yield f"saga is {describe(self.saga)}: write the Saga itself, declared before this one"
        wanted = self.saga.payload if isinstance(self.saga, Saga) else Any
        yield from _faults_of_pure_function("payload", self.payload, wanted)
        yield from _faults_of_policy("compensation_retry", self.compensation_retry)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The author's functions by parameter; each takes the saga's payload first."""
        return {**super().functions, "payload": self.payload}

    @property
    def can_be_undone(self) -> bool:
        """Whether the element has something to compensate."""
        return not self.pivot

    @property
    def output_type(self) -> Any:
        """The type of what the child's last step returns."""
        return self.saga.elements[-1].output_type

    @property
    def decoded_type(self) -> Any:
        """The type in which the author's functions get the child's output."""
        return self.saga.elements[-1].decoded_type

    @property
    def fingerprint(self) -> str:
        """A text of everything that decides what runs when; the child saga has its own version."""
        return f"{super().fingerprint}|{self.saga.name}"


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


def fault_of_element(element: object) -> str:
    """Return what is wrong with something that is written in place of an element."""
    return (
        f"{describe(element)} is not an element of a saga: write Step(...), Timer(...), "
        "Signal(...), Child(...) or Parallel(...)"
    )


def _faults_of_pure_function(label: str, function: Any, wanted: Any) -> Iterator[str]:
    yield from faults_of_function(label, function, PURE)
    yield from faults_of_parameter(label, function, 1, dict)
    yield from faults_of_result(label, function, wanted)


def _faults_of_policy(label: str, policy: object) -> Iterator[str]:
    if not isinstance(policy, RetryPolicy):
        attempts = policy if type(policy) is int and policy > 0 else 5
        yield f"{label} is {describe(policy)}: write {label}=RetryPolicy(attempts={attempts})"
