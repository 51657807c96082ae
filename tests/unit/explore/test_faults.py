"""Each kind of fault finds its kind of bug: one test per bug."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import key
from lib.errors import Unavailable
from lib.saga.definition.context import Retry, StepContext
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Step
from lib.saga.engine import alerts
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.machine import outstanding
from lib.saga.machine.schedule import schedule_retry
from lib.saga.state.records import DeadLetter, SagaRecord
from lib.saga.testing import explore
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.faults.kinds import INTERLEAVINGS, Fault, FaultKind, Point
from lib.saga.testing.simulation.processes.exceptions import InvariantViolated
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.answers import NO
from tests.unit.explore.seats import TWICE, Seats, add_seats, make_saga, seat, seats_fit


def find_fault(saga: Saga, seats: int, **options: Any) -> str:
    with pytest.raises(AssertionError) as found:
        explore(saga, {}, seats_fit(seats), prepare=add_seats, **options)
    return str(found.value)


def find_by(kind: FaultKind, saga: Saga, seats: int, **options: Any) -> str:
    """Return what only this kind of fault finds."""
    setting = Setting(saga=saga, payload={}, prepare=add_seats, **options)
    explorer = Explorer(setting, seats_fit(seats))
    for schedule, moment in explorer.run_schedule({}, remembers=True).extend():
        try:
            if all(fault.kind is kind for fault in schedule.values()):
                explorer.run_schedule(schedule, moment)
        except AssertionError as found:
            return str(found)
    return f"no {kind} finds anything"


def set_seat(taken: int) -> Any:
    def act(_: Any, call: StepContext) -> None:
        call.store.upsert(Seats(id=call.step, taken=taken))

    return act


def test_an_unsafe_action_that_outlasts_its_time_out_is_found() -> None:
    """Calling it twice is harmless, but an effect after its compensation stays."""
    a = Step("a", execute=set_seat(1), compensate=set_seat(0), retry=TWICE)
    saga = Saga("seats", payload=dict, steps=(a, seat("b", {"b": NO})))
    assert "and runs in its thread" in find_by(FaultKind.OUTLAST, saga, 0)


def test_a_second_worker_at_the_same_time_is_found() -> None:
    """It checks before it takes a seat, so sequential deliveries are harmless."""

    def look_and_take(_: Any, call: StepContext) -> None:
        seats = call.store.get(key(Seats, call.step))
        if not seats.taken:
            call.store.insert(Seats(id=f"{call.step}/{call.fencing_token}", taken=1))
            call.store.update(replace(seats, taken=1))

    saga = Saga("seats", payload=dict, steps=(Step("a", execute=look_and_take),))
    assert "a second worker starts" in find_by(FaultKind.INTERLEAVE, saga, 2)


@pytest.mark.parametrize("interleaving", INTERLEAVINGS, ids=str)
def test_a_waiting_worker_ends_on_its_own_stack_when_a_run_fails(interleaving: Fault) -> None:
    """It once removed the first worker's process from the stack, or failed unnoticed."""
    setting = Setting(saga=make_saga("a"), payload={}, prepare=add_seats)
    explorer = Explorer(setting, bool)
    for last in range(2, 9):
        met: list[Point] = []

        def break_off(point: Point, met: list[Point] = met, last: int = last) -> Fault | None:
            starts = not met and interleaving in point.faults
            if met or starts:
                met.append(point)
            if len(met) == last:
                raise InvariantViolated("enough")
            return interleaving if starts else None

        assert explorer.run(break_off) == "enough"


class ForgetfulRepository(SagaRepository):
    """Takes a read without an answer for a saga that does not exist."""

    def find(self, saga_id: str) -> SagaRecord | None:
        try:
            return super().find(saga_id)
        except Unavailable:
            return None


def test_a_read_without_an_answer_that_is_taken_for_none_is_found() -> None:
    def make_engine(definitions: Any, repository: SagaRepository, *collaborators: Any) -> Engine:
        return Engine(definitions, ForgetfulRepository(repository.store), *collaborators)

    report = find_by(FaultKind.UNREAD, make_saga("ab"), 2, make_engine=make_engine)
    assert "the sweep was needed, although the queue lost nothing" in report


def test_an_effect_that_is_written_late_is_found() -> None:
    """Its answer was lost, and it is written after its compensation."""
    a = Step("a", execute=set_seat(1), compensate=set_seat(0), retry=TWICE)
    saga = Saga("seats", payload=dict, steps=(a, seat("b", {"b": NO})))
    assert "the write happens when nothing else" in find_by(FaultKind.MADE_LATE, saga, 0)


def test_a_step_that_begins_while_its_saga_is_paused_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forget_the_pause(saga: Any, steps: Any) -> Any:
        return sound(replace(saga, paused=False), steps)

    sound = outstanding.outstanding
    for module in ("lib.saga.machine.decision.draft", "lib.saga.engine.engine"):
        monkeypatch.setattr(f"{module}.outstanding", forget_the_pause)
    report = find_fault(make_saga("ab"), 2, operators=True)
    assert "began, although its saga was paused" in report


def test_a_second_page_for_one_incident_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(10**6))
    sound = alerts.log_parked

    def page_as_new(letter: DeadLetter) -> bool:
        return sound(
            replace(letter, created_at=letter.created_at + timedelta(seconds=next(numbers)))
        )

    monkeypatch.setattr(alerts, "log_parked", page_as_new)
    report = find_fault(make_saga("ab", {"b": NO, "undo a": NO}), 0)
    assert "an operator is paged twice for one incident" in report


def test_an_attempt_that_its_policy_does_not_allow_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = RetryPolicy(attempts=7)
    monkeypatch.setattr("lib.saga.machine.forward.attempts.schedule_retry", _with_policy(patient))
    report = find_fault(make_saga("ab", {"b": Retry("later")}), 2)
    assert "step b was tried 7 times, but its policy allows 2" in report


def _with_policy(policy: RetryPolicy) -> Any:
    return lambda definition, draft, outcome, _: schedule_retry(definition, draft, outcome, policy)


def test_a_parked_saga_is_found_if_its_author_rules_that_out() -> None:
    report = find_fault(make_saga("ab", {"b": NO, "undo a": NO}), 0, may_park=False)
    assert "the saga is parked, which may_park=False rules out" in report
