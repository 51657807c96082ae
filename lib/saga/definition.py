"""A saga as its author declares it: steps in order, each with its compensation and its policies.

A definition is data. What cannot be honoured is refused here, when it is declared, and not in the
middle of somebody's order.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from lib.saga.call import Call

#: What a step or a compensation is: (payload, call) -> something JSON can hold.
Action = Callable[[Any, Call], Any]

#: Cloud Tasks lets a task run for at most 30 minutes; a minute is kept to record the outcome.
LONGEST_TIMEOUT = timedelta(minutes=29)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently an action is tried: capped exponential delays, full jitter."""

    attempts: int = 5
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}: an action runs at least once")
        if self.first < timedelta(0) or self.cap < self.first or self.factor < 1:
            raise ValueError("a retry needs 0 <= first <= cap and factor >= 1")

    def delay(self, attempt: int, jitter: float) -> timedelta:
        """Return the pause after failed attempt `attempt` (from 1), `jitter` being in [0, 1)."""
        doublings = min(attempt - 1, 64)
        return min(self.cap, self.first * self.factor**doublings) * jitter


#: Compensations are not given up lightly: about 40 minutes of trying before a person is called.
PATIENT = RetryPolicy(attempts=15, first=timedelta(seconds=1), cap=timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class Step:
    """One local transaction of a saga and what makes it good."""

    name: str
    _: KW_ONLY
    execute: Action
    compensate: Action | None = None
    service: str = ""
    #: The point of no return: once it is done, the saga only goes forward.
    pivot: bool = False
    timeout: timedelta = timedelta(seconds=30)
    retry: RetryPolicy = RetryPolicy()
    compensation_retry: RetryPolicy = PATIENT

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a step needs a name")
        if not timedelta(0) < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"step {self.name}: timeout must be in (0, {LONGEST_TIMEOUT}]")


@dataclass(frozen=True)
class Saga:
    """A distributed transaction: its name, the type of its payload and its steps in order.

    `payload` is any type that msgspec can decode. Raise `version` when the steps change, and keep
    the old version declared until no unfinished saga needs it.
    """

    name: str
    payload: type
    steps: tuple[Step, ...]
    version: int = 1

    def __post_init__(self) -> None:
        if not self.name or not self.steps:
            raise ValueError("a saga needs a name and at least one step")
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"saga {self.name}: two steps have the same name")
        self._check_pivot()

    def _check_pivot(self) -> None:
        pivots = [index for index, step in enumerate(self.steps) if step.pivot]
        if len(pivots) > 1:
            raise ValueError(f"saga {self.name}: more than one pivot")
        for step in self.steps[pivots[0] :] if pivots else ():
            if step.compensate is not None:
                raise ValueError(
                    f"saga {self.name}: step {step.name} can be compensated, "
                    "but from the pivot on the saga only goes forward"
                )

    @cached_property
    def pivot(self) -> int:
        """The index of the pivot, or the number of steps when there is none."""
        return next((i for i, step in enumerate(self.steps) if step.pivot), len(self.steps))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that decides which action runs when; policies may change freely."""
        shape = [
            f"{step.name}|{step.service}|{step.compensate is not None}|{step.pivot}"
            for step in self.steps
        ]
        return hashlib.sha256("\n".join([self.name, *shape]).encode()).hexdigest()[:16]


class Definitions(Mapping[tuple[str, int], Saga]):
    """Every declared saga by (name, version)."""

    def __init__(self, sagas: Iterable[Saga]) -> None:
        self._sagas: dict[tuple[str, int], Saga] = {}
        for saga in sagas:
            if self._sagas.setdefault((saga.name, saga.version), saga) is not saga:
                raise ValueError(f"saga {saga.name} version {saga.version} is declared twice")

    def __getitem__(self, key: tuple[str, int]) -> Saga:
        return self._sagas[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._sagas)

    def __len__(self) -> int:
        return len(self._sagas)

    def latest(self, name: str) -> Saga | None:
        """Return the newest declared version of a saga: the one that new starts take."""
        versions = [saga for saga in self._sagas.values() if saga.name == name]
        return max(versions, key=lambda saga: saga.version, default=None)
