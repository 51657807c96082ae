"""What a saga is made of: steps, timers, signals, child sagas, and groups of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lib.saga.call import Call
from lib.saga.deferred import refuse_deferred
from lib.saga.policy import PATIENT, RetryPolicy

if TYPE_CHECKING:
    from lib.saga.definition import Saga

#: What a step or a compensation is: (payload, call) -> something JSON can hold.
Action = Callable[[Any, Call], Any]

#: Pure functions of the payload and of the outputs so far by step name.
Predicate = Callable[[Any, Mapping[str, Any]], bool]
Shape = Callable[[Any, Mapping[str, Any]], Any]

#: Cloud Tasks lets a task run for at most 30 minutes; a minute is kept to record the outcome.
LONGEST_TIMEOUT = timedelta(minutes=29)

#: How long a delivery may take that runs no author's code.
BRIEF = timedelta(seconds=10)

#: A name is part of keys and of children's ids.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")

#: The members of a group record their outcomes one after the other, in their saga's one root.
LARGEST_GROUP = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What all parts of a saga have.

    `when` skips the part where it says False. `pivot` marks the point of no return: once it is
    done, the saga only goes forward.
    """

    name: str
    _: KW_ONLY
    service: str = ""
    when: Predicate | None = None
    pivot: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"step {self.name!r}: a name has 1 to 100 letters, digits, spaces and ._-"
            )
        for role in self.functions:
            refuse_deferred(getattr(self, role), f"{self.kind} {self.name}: {role}")

    @property
    def kind(self) -> str:
        """What messages call the part: step, timer, signal or child."""
        return type(self).__name__.lower()

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the fields that hold an author's functions."""
        return ("when",)

    @property
    def time_limit(self) -> timedelta:
        """How long one delivery may run."""
        return BRIEF

    @property
    def can_be_undone(self) -> bool:
        """Whether there is something to do when the part is to be made good."""
        return False

    @property
    def fingerprint(self) -> str:
        """All of the part that decides what runs when; policies may change freely."""
        marks = (self.can_be_undone, self.pivot, self.when is not None)
        return "|".join(map(str, (self.kind, self.name, self.service, *marks)))


@dataclass(frozen=True, slots=True)
class Step(Part):
    """One local transaction of a saga and what makes it good.

    `status` asks the participant what became of the step when nobody else knows: it returns the
    step's output, or raises NotHappened. Without it, what may have happened is compensated.
    `timeout` bounds each call, of the compensation too. `retry` is by default 5 attempts, and
    past the pivot as patient as a compensation's.
    """

    _: KW_ONLY
    execute: Action
    compensate: Action | None = None
    status: Action | None = None
    timeout: timedelta = timedelta(seconds=30)
    retry: RetryPolicy | None = None
    compensation_retry: RetryPolicy = PATIENT

    def __post_init__(self) -> None:
        super(Step, self).__post_init__()
        if not timedelta(0) < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"step {self.name}: timeout must be in (0, {LONGEST_TIMEOUT}]")

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the fields that hold an author's functions."""
        return ("when", "execute", "compensate", "status")

    @property
    def time_limit(self) -> timedelta:
        """How long one delivery may run."""
        return self.timeout

    @property
    def can_be_undone(self) -> bool:
        """Whether there is something to do when the part is to be made good."""
        return self.compensate is not None


@dataclass(frozen=True, slots=True)
class Timer(Part):
    """Waits for a time, however long; while it waits, it costs nothing."""

    _: KW_ONLY
    after: timedelta

    def __post_init__(self) -> None:
        super(Timer, self).__post_init__()
        if self.after < timedelta(0):
            raise ValueError(f"timer {self.name}: after must not be negative")


@dataclass(frozen=True, slots=True)
class Signal(Part):
    """Waits until somebody sends the signal of its name; its output is the signal's payload.

    The signal may come before the saga has got here. It is taken once. `payload` is the type
    that it must fit. Not having come `within` that time, the step has failed for good.
    """

    _: KW_ONLY
    payload: Any = object
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Child(Part):
    """Runs another saga and takes its outcome as its own: its output is that of its last step.

    `payload` makes the child's payload of this saga's payload and outputs. Where this saga is
    rolled back, the child is rolled back too, even if it was completed.
    """

    _: KW_ONLY
    saga: "Saga"
    payload: Shape
    compensation_retry: RetryPolicy = PATIENT

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the fields that hold an author's functions."""
        return ("when", "payload")

    @property
    def can_be_undone(self) -> bool:
        """Whether there is something to do when the part is to be made good."""
        return not self.pivot

    @property
    def fingerprint(self) -> str:
        """All of the part that decides what runs when; the child has a version of its own."""
        return f"{super(Child, self).fingerprint}|{self.saga.name}"


@dataclass(frozen=True, init=False)
class Parallel:
    """Parts that may run side by side, each in a task of its own: at most 20."""

    parts: tuple[Part, ...]

    def __init__(self, *parts: Part) -> None:
        if not 1 <= len(parts) <= LARGEST_GROUP:
            raise ValueError(f"a group has 1 to {LARGEST_GROUP} parts, not {len(parts)}")
        if any(part.pivot for part in parts):
            raise ValueError("a pivot stands alone: a group could be done in part")
        object.__setattr__(self, "parts", parts)
