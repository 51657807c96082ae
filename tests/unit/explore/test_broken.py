"""Deliberate bugs are found, so an exploration that finds nothing means something."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import key, update, upsert
from lib.errors import NotBegun, Unavailable
from lib.saga.barrier import Effect
from lib.saga.definition.context import Permanent, StepContext
from lib.saga.definition.element import Element
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Step
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine import backward, outstanding
from lib.saga.machine.decision.decision import Decision
from lib.saga.machine.decision.draft import Draft
from lib.saga.state.delivery import Delivery
from lib.saga.state.layout import pack
from lib.saga.state.records import FINISHED, Loaded, SagaRecord, StepRecord
from lib.saga.testing import explore, random_schedules
from lib.timing.backoff import Backoff
from tests.unit.explore.seats import add_seats, give_back, make_saga, move, seat, seats_fit_the_end

THREE = make_saga("abc")
SIDE_BY_SIDE = Saga("seats", payload=dict, steps=(Parallel(seat("a"), seat("b")), seat("c")))
STEPS = [step for step in THREE.elements if isinstance(step, Step)]


def find_fault(saga: Saga, make_engine: Callable[..., Engine] = Engine) -> str:
    """Explore, and return the report of what is broken."""
    with pytest.raises(AssertionError) as found:
        explore(saga, {}, seats_fit_the_end, prepare=add_seats, make_engine=make_engine)
    return str(found.value)


class HastyEngine(Engine):
    """Enqueues a decision's deliveries before it commits the decision."""

    def __init__(self, *collaborators: Any) -> None:
        super().__init__(*collaborators)
        advance = self.transitions.advance

        def advance_hastily(loaded: Loaded, given: Any, *how: Any) -> Decision:
            self.transitions.enqueue(self._recorder.decide(loaded, given).deliveries)
            return advance(loaded, given, *how)

        vars(self.transitions)["advance"] = advance_hastily


class BlindRepository(SagaRepository):
    """Commits regardless of other commits in the meantime."""

    def save(self, decision: Decision) -> SagaRecord:
        packed = pack(decision.saga, decision.events)
        letters = [upsert(decision.dead_letter)] if decision.dead_letter else []
        saga, *_ = self.store.apply(update(packed.saga), *letters)
        return replace(decision.saga, events=packed.saga.events, version=saga.version)


def make_blind_engine(definitions: Any, repository: SagaRepository, *collaborators: Any) -> Engine:
    return Engine(definitions, BlindRepository(repository.store), *collaborators)


class TornRepository(SagaRepository):
    """Reads a saga's steps and its version one after the other, as if they were of one time."""

    def load(self, saga_id: str) -> Loaded | None:
        before, after = self.find(saga_id), self.find(saga_id)
        if before is None or after is None:
            return None
        return self.load_steps(replace(after, steps=before.steps))


def make_torn_engine(definitions: Any, repository: SagaRepository, *collaborators: Any) -> Engine:
    return Engine(definitions, TornRepository(repository.store), *collaborators)


class DoubtfulEngine(Engine):
    """Answers a delivery whose action has not begun as if it may have run."""

    def deliver(self, delivery: Delivery, *, lost: int = 0) -> str:
        try:
            return super().deliver(delivery, lost=lost)
        except NotBegun as problem:
            raise Unavailable(problem.detail) from problem


class FaultyRepository(SagaRepository):
    """Has a bug that shows when the first step has run."""

    def load(self, saga_id: str) -> Loaded | None:
        loaded = super().load(saga_id)
        if loaded is not None and loaded.steps[0].output:
            raise ZeroDivisionError("a defect")
        return loaded


def make_faulty_engine(definitions: Any, repository: SagaRepository, *collaborators: Any) -> Engine:
    return Engine(definitions, FaultyRepository(repository.store), *collaborators)


def test_a_delivery_that_counts_as_lost_before_its_action_is_found() -> None:
    assert "ended without an answer, and nothing had begun" in find_fault(THREE, DoubtfulEngine)


def test_a_bug_before_an_action_is_found() -> None:
    assert "raised ZeroDivisionError('a defect')" in find_fault(THREE, make_faulty_engine)


def test_an_enqueue_before_the_commit_is_found() -> None:
    report = find_fault(THREE, HastyEngine)
    assert "the sweep was needed, although the queue lost nothing" in report
    assert "The schedule that shows it: " in report


def test_a_commit_without_a_version_check_is_found() -> None:
    assert "the sweep was needed" in find_fault(SIDE_BY_SIDE, make_blind_engine)


class ForgetfulRepository(SagaRepository):
    """Leaves out a saga's due time."""

    def save(self, decision: Decision) -> SagaRecord:
        saga = decision.saga
        due = saga.due if saga.status in FINISHED else None
        return super().save(replace(decision, saga=replace(saga, due=due)))


def make_forgetful_engine(
    definitions: Any, repository: SagaRepository, *collaborators: Any
) -> Engine:
    return Engine(definitions, ForgetfulRepository(repository.store), *collaborators)


def test_random_schedules_name_their_seed_and_only_the_faults_that_are_needed() -> None:
    with pytest.raises(AssertionError) as found:
        random_schedules(
            THREE, {}, seats_fit_the_end, 200, 7,
            prepare=add_seats, make_engine=make_forgetful_engine,
        )  # fmt: skip
    report = str(found.value)
    assert "of seed 7" in report
    assert report.count("; then ") <= 1


def test_two_reads_that_do_not_fit_each_other_are_found() -> None:
    assert "does not follow from the events before it" in find_fault(THREE, make_torn_engine)


def test_a_saga_that_the_sweep_does_not_find_is_found() -> None:
    report = find_fault(THREE, make_forgetful_engine)
    assert "was lost, and nothing redelivers it" in report


def test_a_late_sweep_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        outstanding, "GRACE", Backoff(first=timedelta(minutes=5), cap=timedelta(hours=1))
    )
    assert "and nothing redelivers it" in find_fault(THREE)


def test_compensations_in_the_wrong_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the machine searches for steps to compensate from the front."""
    monkeypatch.setattr(backward, "reversed", iter, raising=False)
    saga = make_saga("abc", {"c": Permanent("no")})
    assert "in reverse order" in find_fault(saga)


def test_an_unknown_step_that_is_not_compensated_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = backward.needs_compensation

    def forget(part: Element, step: StepRecord) -> bool:
        return needs(part, replace(step, maybe_applied=False))

    monkeypatch.setattr(backward, "needs_compensation", forget)
    saga = make_saga("abc", {"late c": RuntimeError("crashed")})
    assert "the effect of step c is still there" in find_fault(saga)


def undo_without_tombstone(payload: Any, call: StepContext) -> None:
    if call.store.find(key(Effect, call.idempotency_key)) is not None:
        give_back({}, payload, call)


def test_a_barrier_without_a_tombstone_is_found() -> None:
    once = [replace(step, retry=RetryPolicy(attempts=1)) for step in STEPS]
    sound = replace(THREE, steps=tuple(once))
    explore(sound, {}, seats_fit_the_end, prepare=add_seats, may_park=False)
    steps = [replace(step, compensate=undo_without_tombstone) for step in once]
    report = find_fault(replace(THREE, steps=tuple(steps)))
    assert "the saga is ROLLED_BACK, but the effect of step a is still there" in report


def take_without_barrier(_: Any, call: StepContext) -> None:
    call.store.transact(lambda tx: move(tx, call.step, +1))


def test_an_effect_that_happens_twice_is_found() -> None:
    steps = [replace(step, execute=take_without_barrier) for step in STEPS]
    assert "the invariant does not hold" in find_fault(replace(THREE, steps=tuple(steps)))


def test_a_sentence_stored_as_a_cause_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Draft.note
    monkeypatch.setattr(Draft, "note", lambda draft, _, **more: note(draft, "it has begun", **more))
    assert "causes that are not codes: ['it has begun']" in find_fault(THREE)
