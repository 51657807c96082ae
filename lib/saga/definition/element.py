"""The base class of a saga's elements, and what elements and checks know about their saga."""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol

from lib.saga.definition.checks import refuse
from lib.saga.definition.checks.annotations import faults_of_parameter, faults_of_result
from lib.saga.definition.checks.error import Declared, describe
from lib.saga.definition.checks.functions import PURE, faults_of_function
from lib.saga.definition.checks.values import (
    faults_of_flag,
    faults_of_name,
    faults_of_text,
    name_for_message,
    plain_name,
)
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.types.parameters import TakenP

#: A pure function of the payload and of the outputs so far by step name. The second type is Any
#: because an author may annotate a TypedDict, which type checkers do not accept for a mapping.
Predicate = Callable[[TakenP, Any], bool]

#: The time limit of a delivery that runs no author's code.
MAX_PLAIN_DELIVERY = timedelta(seconds=10)


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
            yield from faults_of_pure_function("when", self.when, bool)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The author's functions by parameter; each takes the saga's payload first."""
        return {} if self.when is None else {"when": self.when}

    @property
    def child(self) -> "SagaOutline | None":
        """The saga that the element runs, if it is a Child."""
        return None

    @property
    def has_pivot(self) -> bool:
        """Whether there is a point of no return, here or in the child saga."""
        return self.pivot or (self.child is not None and self.child.has_pivot)

    @property
    def has_pure_function(self) -> bool:
        """Whether a decision calls a function of the author."""
        return self.when is not None

    def policy_for(self, phase: Phase) -> RetryPolicy | None:  # noqa: ARG002
        """Return the retry policy that the author stated for a phase, or None."""
        return None

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


class SagaOutline(Protocol):
    """What elements and checks know about a saga, without importing Saga."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def version(self) -> int:
        """Its version."""

    @property
    def payload(self) -> Any:
        """The type of its payload."""

    @property
    def steps(self) -> Any:
        """The author's `steps`, checked or not."""

    @property
    def deadline(self) -> timedelta | None:
        """The time after its start from which no step up to the pivot can begin."""

    @property
    def chaining(self) -> object:
        """What its author wrote, checked or not."""

    @property
    def on_compensation_failure(self) -> object:
        """What its author wrote, checked or not."""

    @property
    def elements(self) -> tuple[Element[Any], ...]:
        """All elements in order, with the members of each group one after the other."""

    @property
    def stages(self) -> tuple[range, ...]:
        """The indexes of the elements that run in parallel, stage by stage."""

    @property
    def pivot(self) -> int:
        """The index of the pivot, or the number of elements if there is none."""

    @property
    def has_pivot(self) -> bool:
        """Whether there is a point of no return, here or in a child."""

    def stage_of(self, index: int) -> range:
        """Return the stage that an element belongs to."""


def fault_of_element(element: object) -> str:
    """Return what is wrong with something that is written in place of an element."""
    return (
        f"{describe(element)} is not an element of a saga: write Step(...), Timer(...), "
        "Signal(...), Child(...) or Parallel(...)"
    )


def faults_of_pure_function(label: str, function: Any, wanted: Any) -> Iterator[str]:
    """Yield what is wrong with a function of the payload and the outputs so far."""
    yield from faults_of_function(label, function, PURE)
    yield from faults_of_parameter(label, function, 1, dict)
    yield from faults_of_result(label, function, wanted)


def faults_of_policy(label: str, policy: object) -> Iterator[str]:
    """Yield what is wrong with a value that should be a RetryPolicy."""
    if not isinstance(policy, RetryPolicy):
        attempts = policy if type(policy) is int and policy > 0 else 5
        yield f"{label} is {describe(policy)}: write {label}=RetryPolicy(attempts={attempts})"
