"""Random sagas with random inputs: the machine's invariants hold in each state."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from lib.errors import Conflict, NotFound
from lib.saga.definition.child import Child
from lib.saga.definition.element import Element
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import OnCompensationFailure, Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine.causes import Cause
from lib.saga.machine.decide import decide
from lib.saga.machine.inputs import (
    AttemptEnded,
    ChildEnded,
    ImpossibleInput,
    Input,
    ParkRequested,
    PivotBegun,
    ResolveRequested,
    Result,
    StartDue,
    TimerFired,
)
from lib.saga.machine.replay import replay, state_of
from lib.saga.machine.start.begin import begin
from lib.saga.machine.start.creations import new_saga
from lib.saga.machine.waits import waits_of
from lib.saga.state.delivery import Delivery
from lib.saga.state.limits import MAX_NEW_BYTES, MAX_RECORD
from lib.saga.state.records import FINISHED, EventRecord, SagaStatus, StepRecord
from tests.unit.saga.machine.build import T0, Played, act, step
from tests.unit.saga.machine.scenes import INNER
from tests.unit.saga.machine.test_total import all_inputs

#: The number of seeds for each limit of one commit, and of inputs for each saga.
WALKS, LENGTH = 40, 25
HOUR = timedelta(hours=1)
WHO: dict[str, Any] = {"actor": "ops@example.com", "reason": "by hand"}


def any_element(random: Random, name: str) -> Element:
    """Return a step, timer, signal or child, some with a condition or a status action."""
    when = random.choice([None, None, None, lambda *_: False])
    match random.randrange(6):
        case 0:
            return Timer(name, after=random.choice([timedelta(seconds=5), HOUR]), when=when)
        case 1:
            return Signal(name, within=random.choice([None, HOUR]), when=when)
        case 2:
            return Child[Any, Any](name, saga=INNER, payload=lambda payload, _: payload, when=when)
        case _:
            status = random.choice([None, act])
            return step(name, undo=random.random() < 0.8, status=status, when=when)


def any_saga(random: Random) -> Saga:
    """Return a saga of two to four stages, some with a group, a pivot or a deadline."""
    stages: list[Element | Parallel] = []
    for letter in "abcd"[: random.randint(2, 4)]:
        if random.random() < 0.3:
            stages.append(Parallel(*(any_element(random, f"{letter}{n}") for n in (1, 2))))
        else:
            stages.append(any_element(random, letter))
    if random.random() < 0.4:
        stages += [step("pay", undo=False, pivot=True), step("mail", undo=False)]
    return Saga(
        "walk",
        payload=dict,
        steps=tuple(stages),
        deadline=random.choice([None, 5 * HOUR]),
        on_compensation_failure=random.choice(list(OnCompensationFailure)),
    )


class Walk(Played):
    """A saga with its whole audit trail."""

    def __init__(self, definition: Saga) -> None:
        super().__init__(definition)
        first = begin(definition, new_saga(definition, "s1", "{}", T0))
        self.trail: list[EventRecord] = list(first.events)

    def goes_on(self, given: Input) -> None:
        decision = decide(self.definition, self.saga, self.steps, given, self.now)
        assert bool(decision.events) != bool(decision.no_change)
        if decision.events:
            self._take(decision, list(self.steps))
            self.trail += decision.events


def any_input(random: Random, walk: Walk) -> Input:
    """Return the input of an outstanding delivery, the end of a child, or any other input."""
    waiting = [each for each in walk.steps if each.child and each.is_open]
    if walk.deliveries and random.random() < 0.6:
        return end_of(random, walk, random.choice(walk.deliveries))
    if waiting and random.random() < 0.5:
        child = random.choice(waiting)
        status = random.choice(sorted(FINISHED))
        return ChildEnded(step=child.index, child=child.child, status=status, output="1")
    return random.choice(list(all_inputs(walk)))


def end_of(random: Random, walk: Walk, due: Delivery) -> Input:
    if due.phase is Phase.START:
        return StartDue(step=due.step, attempt=due.attempt)
    if walk.steps[due.step].status == "WAITING" and due.phase is Phase.EXECUTE:
        return TimerFired(step=due.step, attempt=due.attempt)
    if walk.definition.records_begin_of(due.step) and random.random() < 0.3:
        return PivotBegun(step=due.step, attempt=due.attempt)
    result = random.choice([Result.DONE, Result.DONE, *Result])
    return AttemptEnded(
        phase=due.phase, step=due.step, attempt=due.attempt, result=result, output="1", error="e"
    )


def check_state(walk: Walk, before: list[StepRecord]) -> None:
    saga, names = walk.saga, [each.name for each in walk.steps]
    assert replay(walk.trail, names) == state_of(saga, walk.steps)
    assert {event.cause for event in walk.trail} <= set(Cause)
    assert saga.status in FINISHED or waits_of(saga, walk.steps), "nothing moves it"
    assert saga.status in FINISHED or saga.due, "the sweep does not find it"
    assert saga.status not in FINISHED or not any(each.is_open for each in walk.steps)
    assert (saga.status is not SagaStatus.FAILED) or saga.incident
    for old, new in zip(before, walk.steps, strict=True):
        assert new.attempt >= old.attempt, "a fencing token has fallen"


def check_way_out(walk: Walk) -> None:
    """An operator can end the saga from here: parked, if it is not, and then resolved."""
    saga, steps = walk.saga, walk.steps
    if saga.status in FINISHED:
        return
    for request in (ParkRequested(**WHO), ResolveRequested(**WHO, outcome=SagaStatus.ROLLED_BACK)):
        decision = decide(walk.definition, saga, steps, request, walk.now)
        saga, steps = decision.saga, decision.saga.steps
    assert saga.status is SagaStatus.ROLLED_BACK
    assert not any(each.is_open for each in steps)


def walk_at_random(seed: int) -> set[SagaStatus]:
    """Take one walk, check each of its states, and return the statuses that it reached."""
    random, reached = Random(seed), set()
    walk = Walk(any_saga(random))
    for _ in range(LENGTH):
        walk.now += random.choice([timedelta(0), timedelta(seconds=1), timedelta(minutes=61)])
        before = list(walk.steps)
        try:
            walk.goes_on(any_input(random, walk))
        except (Conflict, NotFound, ImpossibleInput):
            continue
        check_state(walk, before)
        check_way_out(walk)
        reached.add(walk.saga.status)
    return reached


@pytest.mark.parametrize("most", [-1, 2 * MAX_RECORD, MAX_NEW_BYTES])
def test_a_random_saga_always_moves_or_waits_for_something_and_a_verb_ends_it(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("lib.saga.machine.start.next_steps.MAX_NEW_BYTES", most)
    reached = set().union(*(walk_at_random(seed) for seed in range(WALKS)))
    assert reached >= set(SagaStatus) - {SagaStatus.PENDING}
