"""The last safety net: the daily look, which helps sagas that nothing else would."""

from dataclasses import replace
from typing import Any

import pytest

from lib.datastore import Store, key, shard_of
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Timer
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.state.delivery import Delivery
from lib.saga.state.records import LOOK_PERIOD, DeadLetter, SagaRecord, SagaStatus, look_mark
from lib.saga.testing import explore
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.simulation import Simulation
from tests.unit.explore.seats import add_seats, make_saga, seat, seats_fit

FAMILY = Saga(
    "seats",
    payload=dict,
    steps=(
        Child(
            "c",
            saga=Saga("child", payload=dict, steps=(seat("x"),)),
            payload=lambda payload, _: payload,
        ),
        seat("b"),
    ),
)


class Deaf(Engine):
    """Marks a child as notified, but does not record its end in the parent."""

    def __init__(self, *collaborators: Any) -> None:
        super().__init__(*collaborators)
        vars(self.children)["notify_parent"] = self._note_only

    def _note_only(self, delivery: Delivery) -> str:
        child = self.repository.find(delivery.child)
        if child is not None and not child.parent_notified:
            self.repository.acknowledge(replace(child, parent_notified=True, due=None))
        return "notified"


class Forgetful(Engine):
    """Clears what a saga waits for as soon as it waits for its second step."""

    def deliver(self, delivery: Delivery, *, lost: int = 0) -> str:
        """Run a delivery, and clear what is outstanding after it."""
        ended = super().deliver(delivery, lost=lost)
        saga, steps = self.repository.get(delivery.saga_id)
        if saga.status is SagaStatus.RUNNING:
            due = look_mark(shard_of(saga.id), self.clock() + LOOK_PERIOD)
            forgotten = [replace(step, awaits=None) for step in steps]
            self.repository.store.update(replace(saga, due=due, steps=forgotten))
        return ended


def run_quietly(saga: Saga, make_engine: Any) -> tuple[Store, SagaRecord]:
    setting = Setting(saga=saga, payload={}, prepare=add_seats, make_engine=make_engine)
    simulation = Simulation(setting)
    simulation.run(lambda _: None)
    store = simulation.environment.store
    return store, store.get(key(SagaRecord, "explored"))


def test_the_daily_look_records_a_missed_end_of_a_child() -> None:
    _, saga = run_quietly(FAMILY, Deaf)
    assert saga.status is SagaStatus.COMPLETED


def test_the_daily_look_parks_and_alerts_a_saga_with_nothing_outstanding() -> None:
    store, saga = run_quietly(make_saga("ab"), Forgetful)
    assert saga.status is SagaStatus.FAILED
    assert saga.parked_because == "nothing_awaited"
    assert store.get(key(DeadLetter, "explored")).alerted


def postpone_blindly(repository: SagaRepository, saga: SagaRecord, due: str | None) -> None:
    repository.store.update(replace(saga, due=due))


def test_an_idle_look_that_overwrites_the_saga_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Saga("seats", payload=dict, steps=(Timer("nap", after=3 * LOOK_PERIOD), seat("b")))
    simulation = Simulation(Setting(saga=waits, payload={}, prepare=add_seats))
    simulation.run(lambda _: None)
    points = [point.where for point in simulation.environment.state.points]
    assert "before the commit of a sweep" in points
    monkeypatch.setattr(SagaRepository, "postpone", postpone_blindly)
    with pytest.raises(AssertionError, match="a sweep"):
        explore(waits, {}, seats_fit(1), prepare=add_seats, operators=True)


def test_a_saga_that_only_the_daily_look_helps_is_found() -> None:
    with pytest.raises(AssertionError, match="only the daily look made saga explored progress"):
        explore(FAMILY, {}, seats_fit(2), prepare=add_seats, make_engine=Deaf)
