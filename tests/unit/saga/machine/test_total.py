"""The machine is total: an input changes the saga, says why it does not, or is refused."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from lib.errors import Conflict, NotFound
from lib.saga.definition.child import Child
from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Signal, Timer
from lib.saga.machine import inputs
from lib.saga.machine.decide import (
    decide,
    park_missing_definition,
    park_unrecorded,
    redeliver_overdue,
)
from lib.saga.machine.decision.decision import NoChange, SilentDecision
from lib.saga.machine.decision.draft import Draft
from lib.saga.machine.inputs import (
    AttemptEnded,
    ChildEnded,
    ImpossibleInput,
    Input,
    Overdue,
    PivotBegun,
    ResolveRequested,
    Result,
    SignalReceived,
    StartDue,
    StopObserved,
    TimerFired,
)
from lib.saga.machine.start.begin import begin
from lib.saga.machine.waits import waits_of
from lib.saga.state.records import FINISHED, SagaStatus
from tests.unit.saga.machine.build import SECOND, Played, step
from tests.unit.saga.machine.scenes import INNER, LATER, SCENES, Scene

WHO: dict[str, Any] = {"actor": "ann@example.com", "reason": "seen to it"}


def all_inputs(played: Played) -> Iterator[Input]:
    """Yield every possible input of a saga's steps, and every other input."""
    for index, part in enumerate(played.definition.elements):
        attempt = played.steps[index].attempt
        for number in (attempt, attempt - 1, attempt + 1):
            at: dict[str, Any] = {"step": index, "attempt": number}
            for phase, result in product(Phase, Result):
                yield AttemptEnded(phase=phase, result=result, output="1", error="e", **at)
            yield from (kind(**at) for kind in (PivotBegun, StartDue, TimerFired, StopObserved))
        for child, status in product((played.steps[index].child, "no such"), SagaStatus):
            ended = ChildEnded(step=index, child=child, status=status, error="e")
            yield from (ended, played.looked(ended=(ended,)))
        yield SignalReceived(step=part.name, payload="1")
        yield inputs.SkipRequested(step=part.name, output="1", **WHO)
        yield inputs.VoidRequested(step=part.name, **WHO)
    yield from (Overdue(), Overdue(at_once=True), played.looked(), played.looked(unreported=True))
    yield from (played.looked(missing=("gone",)), SignalReceived(step="no such", payload="1"))
    yield inputs.SkipRequested(step="no such", **WHO)
    yield inputs.VoidRequested(step="no such", **WHO)
    for request in (
        inputs.CancelRequested, inputs.RevertRequested, inputs.PauseRequested,
        inputs.ResumeRequested, inputs.RetryRequested, inputs.ParkRequested,
    ):  # fmt: skip
        yield request(**WHO)
    for number in (0, 7):
        yield inputs.PauseRequested(parent_pause=number, **WHO)
        yield inputs.ResumeRequested(parent_pause=number, **WHO)
    yield from (ResolveRequested(outcome=status, **WHO) for status in SagaStatus)


def check_decided(played: Played, given: Input, **options: Any) -> str:
    """Decide on an input; return the result, and check that it is an allowed one."""
    saga, steps = played.saga, tuple(played.steps)
    try:
        decision = decide(played.definition, saga, steps, given, played.now + LATER, **options)
    except (Conflict, NotFound, ImpossibleInput) as refused:
        return type(refused).__name__
    assert (played.saga, tuple(played.steps)) == (saga, steps)
    if not decision.events:
        assert decision.no_change is not None
        assert (decision.saga, decision.steps) == (saga, ())
        return str(decision.no_change)
    assert decision.no_change is None
    after = list(steps)
    for each in decision.steps:
        after[each.index] = each
    moves = decision.saga.status in FINISHED or waits_of(decision.saga, after)
    assert moves, f"{given} leaves it {decision.saga.state}, and nothing moves it"
    return "changed"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.title)
def test_every_input_in_every_state_is_decided_explained_or_refused(scene: Scene) -> None:
    played = scene.make()
    found = {check_decided(played, given) for given in all_inputs(played)}
    assert {"changed", "stale"} & found
    assert {"Conflict", "ImpossibleInput", "NotFound"} <= found


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.title)
def test_a_notified_child_changes_only_by_a_rollback(
    scene: Scene,
) -> None:
    """Any other change would lose the time of its purge."""
    played = scene.make()
    played.saga = replace(played.saga, parent_id="s0", parent_notified=True)
    for given in all_inputs(played) if played.saga.status in FINISHED else ():
        with suppress(Conflict, NotFound, ImpossibleInput):
            decision = decide(played.definition, played.saga, played.steps, given, played.now)
            assert not (decision.events and decision.saga.parent_notified)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.title)
def test_an_unrecordable_input_parks_the_saga_or_explains_why_not(scene: Scene) -> None:
    played = scene.make()
    saga, steps, now = played.saga, played.steps, played.now
    for given in all_inputs(played):
        if isinstance(given, AttemptEnded) and given.phase is Phase.EXECUTE:
            decision = park_unrecorded(saga, steps, given, "too large", now, played.definition)
            assert bool(decision.events) == (decision.no_change is None)
    for decision in (
        park_missing_definition(saga, steps, "it is gone", now),
        redeliver_overdue(saga, steps, Overdue(), now),
    ):
        assert bool(decision.events) == (decision.no_change is None)


EVERY_KIND = Saga(
    "kinds",
    payload=dict,
    steps=(
        step("do"),
        Timer("nap", after=LATER),
        Signal("go"),
        Child("ship", saga=INNER, payload=lambda payload, _: payload),
        step("pay", undo=False, pivot=True),
    ),
)
ENDS = frozenset(Result) - {Result.IN_PROGRESS, Result.NOT_HAPPENED}

#: The possible results of an attempt for each kind of step and phase. Any other is impossible.
POSSIBLE: dict[tuple[str, Phase], frozenset[Result]] = {
    ("do", Phase.EXECUTE): ENDS,
    ("do", Phase.COMPENSATE): ENDS,
    ("do", Phase.STATUS): ENDS | {Result.NOT_HAPPENED},
    ("pay", Phase.EXECUTE): ENDS,
    ("pay", Phase.COMPENSATE): ENDS,
    ("pay", Phase.STATUS): ENDS | {Result.NOT_HAPPENED},
    ("ship", Phase.COMPENSATE): ENDS | {Result.IN_PROGRESS},
}
ATTEMPTS = list(product(EVERY_KIND.elements, Phase, Result))


@pytest.mark.parametrize(
    ("part", "phase", "result"),
    ATTEMPTS,
    ids=[f"{part.name}-{phase}-{result}" for part, phase, result in ATTEMPTS],
)
def test_an_impossible_attempt_is_refused(part: Any, phase: Phase, result: Result) -> None:
    played = Played(EVERY_KIND)
    index = [each.name for each in EVERY_KIND.elements].index(part.name)
    ended = AttemptEnded(phase=phase, step=index, attempt=1, result=result)
    found = check_decided(played, ended)
    possible = result in POSSIBLE.get((part.name, phase), frozenset())
    assert (found != "ImpossibleInput") == possible


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (AttemptEnded(phase=Phase.EXECUTE, step=9, attempt=1, result=Result.DONE), "index 9"),
        (StartDue(step=-1, attempt=1), "index -1"),
        (
            PivotBegun(step=0, attempt=1),
            "PivotBegun of step do of kinds: only a step that is a pivot",
        ),
        (
            PivotBegun(step=3, attempt=1),
            "PivotBegun of child ship of kinds: only a step that is a pivot",
        ),
        (TimerFired(step=0, attempt=1), "TimerFired of step do of kinds: a step does not wait"),
        (StopObserved(step=1, attempt=1), "StopObserved of timer nap of kinds: only a step"),
        (ChildEnded(step=0, child="x", status=SagaStatus.COMPLETED), "it has no child saga"),
        (ChildEnded(step=3, child="x", status=SagaStatus.RUNNING), "its child is RUNNING"),
        (ChildEnded(step=3, child="x", status=SagaStatus.FAILED), "its child is FAILED"),
    ],
)
def test_an_impossible_input_is_refused_with_what_is_wrong(given: Input, fault: str) -> None:
    with pytest.raises(ImpossibleInput, match=fault):
        Played(EVERY_KIND).happens(given)


def test_a_running_child_is_not_taken_for_a_rolled_back_one() -> None:
    played = Played(Saga("s", payload=dict, steps=(EVERY_KIND.elements[3], step("b"))))
    child = played.steps[0].child
    with pytest.raises(ImpossibleInput, match="its child is RUNNING"):
        played.happens(ChildEnded(step=0, child=child, status=SagaStatus.RUNNING))


def test_an_unscheduled_attempt_is_stale_even_if_done() -> None:
    played = Played()
    ended = AttemptEnded(phase=Phase.EXECUTE, step=0, attempt=2, result=Result.DONE)
    assert played.happens(ended).no_change is NoChange.STALE
    assert played.statuses() == ["PENDING"] * 3


def test_a_saga_without_a_parent_is_not_reverted() -> None:
    with pytest.raises(Conflict, match="saga s1 has no parent"):
        Played().happens(inputs.RevertRequested(**WHO))


def test_resolving_a_saga_that_is_not_parked_is_refused_and_a_parked_one_is_closed() -> None:
    resolve = ResolveRequested(outcome=SagaStatus.COMPLETED, **WHO)
    played = Played()
    with pytest.raises(Conflict, match="only a FAILED"):
        played.happens(resolve)
    played.happens(inputs.ParkRequested(**WHO))
    played.happens(resolve)
    assert played.saga.status is SagaStatus.COMPLETED
    with pytest.raises(Conflict, match="only a FAILED"):
        played.happens(replace(resolve, reason="something else"))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (inputs.PauseRequested(**WHO), NoChange.ALREADY_APPLIED),
        (inputs.CancelRequested(**WHO), NoChange.ALREADY_APPLIED),
        (Overdue(), NoChange.NOTHING_DUE),
    ],
)
def test_a_repeated_input_says_that_it_changes_nothing(request_: Input, why: NoChange) -> None:
    played = Played()
    played.happens(request_)
    again = played.happens(request_)
    assert (again.events, again.no_change) == ((), why)


def test_a_silent_decision_is_an_error() -> None:
    played = Played()
    with pytest.raises(SilentDecision, match="saga s1 in PENDING"):
        Draft(played.saga, played.steps, played.now, played.definition).decide()


def test_a_postponed_step_begins_with_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.saga.machine.start.next_steps.MAX_NEW_BYTES", -1)
    played = Played(Saga("s", payload=dict, steps=(Parallel(step("a"), step("b")),)))
    monkeypatch.undo()
    for due in [each for each in played.deliveries if each.phase is Phase.START]:
        decision = played.happens(StartDue(step=due.step, attempt=due.attempt), after=SECOND)
        assert decision.events
    assert {each.phase for each in played.deliveries} == {Phase.EXECUTE}
    for due in played.deliveries:
        played.happens(
            AttemptEnded(phase=due.phase, step=due.step, attempt=due.attempt, result=Result.DONE)
        )
    assert played.saga.status is SagaStatus.COMPLETED


def test_a_saga_with_hundreds_of_skipped_steps_does_not_get_stuck() -> None:
    skipped = [step(f"s{n}", when=lambda *_: False) for n in range(75)]
    played = Played(Saga("s", payload=dict, steps=(*skipped, step("last"))))
    for _ in range(9):
        if played.deliveries == ():
            break
        due = played.awaited
        if due.phase is Phase.START:
            played.happens(StartDue(step=due.step, attempt=due.attempt))
        else:
            played.ends()
    assert played.saga.status is SagaStatus.COMPLETED


def test_a_new_saga_has_a_decision_with_events() -> None:
    made = Played()
    assert begin(made.definition, made.saga).events
