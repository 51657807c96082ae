"""Definitions and inputs for the tests of the machine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lib.saga.definition.context import StepContext
from lib.saga.definition.phase import Phase
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.machine.decide import decide, redeliver_overdue
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.inputs import AttemptEnded, Input, Looked, Overdue, Result
from lib.saga.machine.start.begin import begin
from lib.saga.machine.start.creations import new_saga
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import SagaRecord, StepRecord

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def act(_: Any, __: StepContext) -> None:
    """Do nothing: the machine never calls it."""


def step(name: str, *, undo: bool = True, **options: Any) -> Step:
    options.setdefault("retry", RetryPolicy(attempts=2))
    options.setdefault("compensation_retry", RetryPolicy(attempts=3))
    return Step(name, execute=act, compensate=act if undo else None, **options)


THREE = Saga("three", payload=dict, steps=(step("a"), step("b"), step("c")))


class Played:
    """A saga and its steps after the machine's decisions so far."""

    def __init__(
        self, definition: Saga = THREE, payload: str = "{}", traceparent: str = ""
    ) -> None:
        self.definition = definition
        self.now = T0
        first = new_saga(definition, "s1", payload, T0, traceparent=traceparent)
        self.events: list[str] = []
        self.letters = 0
        self.children: list[SagaRecord] = []
        decision = begin(definition, first)
        self._take(decision, list(decision.steps))

    def _take(self, decision: Decision, steps: list[StepRecord]) -> Decision:
        self.saga = decision.saga
        self.steps = steps
        for changed in decision.steps:
            self.steps[changed.index] = changed
        self.events += [f"{e.step or 'saga'}: {e.cause}" for e in decision.events]
        self.letters += decision.dead_letter is not None
        self.children += [child.saga for child in decision.children]
        self.deliveries = decision.deliveries
        return decision

    def happens(self, happened: Input, after: timedelta = SECOND) -> Decision:
        self.now += after
        if isinstance(happened, Overdue):
            decision = redeliver_overdue(self.saga, self.steps, happened, self.now)
        else:
            decision = decide(self.definition, self.saga, self.steps, happened, self.now)
        return self._take(decision, list(self.steps))

    def looked(self, **found: Any) -> Looked:
        """A look at the saga as it is now."""
        return Looked(sequence=self.saga.sequence, **found)

    @property
    def awaited(self) -> Delivery:
        [delivery] = self.deliveries
        return delivery

    def ends(self, result: Result = Result.DONE, **options: Any) -> Decision:
        """Let the outstanding delivery's action end with a result."""
        return self.happens(outcome(self.awaited, result, **options))

    def statuses(self) -> list[str]:
        return [str(each.status) for each in self.steps]


def outcome(delivery: Delivery, result: Result = Result.DONE, **options: Any) -> AttemptEnded:
    made = AttemptEnded(
        phase=Phase(delivery.phase), step=delivery.step, attempt=delivery.attempt, result=result
    )
    return replace(made, **options)
