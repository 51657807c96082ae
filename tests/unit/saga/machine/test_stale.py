"""Late inputs, or those for another attempt, change nothing."""

from dataclasses import replace
from datetime import timedelta

from lib.saga.definition.phase import Phase
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal, Timer
from lib.saga.definition.table import Definitions
from lib.saga.engine.execution.known_inputs import known_input
from lib.saga.engine.recorder import Recorder
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.retention import KEEP
from lib.saga.machine.inputs import (
    AttemptEnded,
    Overdue,
    ParkRequested,
    Result,
    SignalReceived,
    StopObserved,
    TimerFired,
)
from lib.saga.machine.outstanding import is_awaited
from lib.saga.state.records import Loaded, SagaStatus
from lib.saga.testing import MemoryStore, VirtualClock
from tests.unit.saga.machine.build import THREE, Played, step

DAY = timedelta(days=1)


def test_a_delivery_of_another_attempt_is_not_awaited() -> None:
    awaited = Played().awaited
    assert is_awaited(awaited, [awaited])
    assert not is_awaited(replace(awaited, attempt=awaited.attempt + 1), [awaited])


def test_a_delivery_of_another_attempt_does_not_end_a_wait() -> None:
    played = Played(Saga("x", payload=dict, steps=(Timer("nap", after=DAY),)))
    played.happens(TimerFired(step=0, attempt=9), after=2 * DAY)
    assert played.saga.status is SagaStatus.RUNNING


def test_a_signal_to_a_parked_saga_is_only_kept() -> None:
    played = Played(Saga("x", payload=dict, steps=(Signal("go"),)))
    played.happens(ParkRequested(actor="ops", reason="a look"))
    played.happens(SignalReceived(step="go", payload="1"))
    assert played.saga.status is SagaStatus.FAILED
    assert (played.statuses(), played.steps[0].signal) == (["WAITING"], "1")


def test_a_child_saga_passes_its_last_output_to_its_parent() -> None:
    played = Played(Saga("x", payload=dict, steps=(step("a"),)))
    played.saga = replace(played.saga, parent_id="parent")
    played.ends(output="1")
    assert played.saga.result == "1"


def test_a_lost_dispatch_makes_the_outcome_unknown() -> None:
    played = Played()
    loaded = Loaded(played.saga, played.steps)
    known = known_input(THREE, loaded, played.awaited, 1, played.now)
    assert isinstance(known, AttemptEnded)
    assert known.result is Result.UNKNOWN
    assert known_input(THREE, loaded, played.awaited, 0, played.now) is None


def test_a_definition_changed_under_the_same_version_does_not_match() -> None:
    recorder = Recorder(Definitions([THREE]), SagaRepository(MemoryStore()), VirtualClock(), KEEP)
    saga = Played().saga
    assert recorder.definition_of(saga) is THREE
    assert recorder.definition_of(replace(saga, fingerprint="other")) is None


def test_a_step_cancelled_by_a_slow_clock_is_still_compensated() -> None:
    saga = Saga("x", payload=dict, steps=(step("a"), step("b")), deadline=timedelta(seconds=30))
    played = Played(saga)
    played.happens(Overdue(), after=timedelta(minutes=2))
    delivery = played.awaited
    observed = StopObserved(step=delivery.step, attempt=delivery.attempt)
    played.happens(observed, after=timedelta(seconds=-5))
    assert (played.saga.status, played.awaited.phase) == (SagaStatus.ROLLING_BACK, Phase.COMPENSATE)
    played.ends()
    assert played.statuses() == ["COMPENSATED", "PENDING"]
