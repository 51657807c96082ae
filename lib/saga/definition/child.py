"""A saga as an element of another saga."""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Generic

from lib.saga.definition.checks.error import describe
from lib.saga.definition.element import Element, faults_of_policy, faults_of_pure_function
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import PATIENT_RETRY, RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.types.parameters import ChildP, TakenP


@dataclass(frozen=True)
class Child(Element[TakenP], Generic[TakenP, ChildP]):
    """Runs another saga and takes over its outcome; its output is that of the child's last step.

    `payload` makes the child's payload from this saga's payload and outputs. If this saga rolls
    back, the child rolls back too, even if it is COMPLETED.
    """

    _: KW_ONLY
    saga: Saga[ChildP]
    payload: Callable[[TakenP, Any], ChildP]
    compensation_retry: RetryPolicy = PATIENT_RETRY

    if not TYPE_CHECKING:

        def __class_getitem__(cls, kinds: Any) -> Any:
            """Accept Child[P] too: before Python 3.13, type parameters have no defaults."""
            given = kinds if isinstance(kinds, tuple) else (kinds,)
            return super().__class_getitem__((*given, Any)[: max(len(given), 2)])

    def _find_faults(self) -> Iterator[str]:
        yield from super()._find_faults()
        if not isinstance(self.saga, Saga):
            yield f"saga is {describe(self.saga)}: write the Saga itself, declared before this one"
        wanted = self.saga.payload if isinstance(self.saga, Saga) else Any
        yield from faults_of_pure_function("payload", self.payload, wanted)
        yield from faults_of_policy("compensation_retry", self.compensation_retry)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The author's functions by parameter; each takes the saga's payload first."""
        return {**super().functions, "payload": self.payload}

    @property
    def child(self) -> Saga[ChildP]:
        """The saga that the element runs."""
        return self.saga

    @property
    def has_pure_function(self) -> bool:
        """Whether a decision calls a function of the author: always, for the child's payload."""
        return True

    def policy_for(self, phase: Phase) -> RetryPolicy | None:
        """Return the retry policy that the author stated for a phase, or None."""
        return self.compensation_retry if phase is Phase.COMPENSATE else None

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
