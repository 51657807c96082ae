"""A deployment with other types under the same version, at every point of a run."""

from dataclasses import dataclass

import pytest

from lib.datastore import Store, key
from lib.saga.definition.child import Child
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Signal
from lib.saga.engine.recorder import Recorder
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.faults.kinds import DEPLOY_TYPES, NOT_MADE, Fault, Point
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.simulation import Simulation
from lib.saga.testing.simulation.state.deployment import Deployed
from tests.unit.explore.seats import add_seats, seat, seats_fit


@dataclass(frozen=True)
class Trip:
    """A request for a trip."""

    city: str


INNER = Saga("inner", payload=Trip, steps=(seat("x"),))
SAGA = Saga(
    "seats",
    payload=Trip,
    steps=(
        seat("a"),
        Signal("go", payload=Trip),
        Child("c", saga=INNER, payload=lambda payload, _: payload),
        seat("b"),
    ),
)


def is_completed(store: Store) -> None:
    """Check that no deployment has rolled the saga back."""
    assert store.get(key(SagaRecord, "explored")).status is SagaStatus.COMPLETED
    seats_fit(3)(store)


def deploy_everywhere() -> int:
    """Change the types at each point, undo that when nothing moves, and retry parked sagas."""
    setting = Setting(
        saga=SAGA,
        payload=Trip("Rome"),
        prepare=add_seats,
        operators=True,
        may_park=False,
        signals={"go": Trip("Rome")},
    )
    explorer = Explorer(setting, is_completed)
    for schedule, moment in explorer.run_schedule({}, remembers=True).extend():
        if DEPLOY_TYPES in schedule.values():
            explorer.run_schedule(schedule, moment)
    return explorer.make_report().faults["deploy of other types"]


def test_changed_types_park_a_saga_before_anything_runs_until_the_next_deployment() -> None:
    assert deploy_everywhere() > 20


def test_blaming_a_step_for_a_payload_that_does_not_fit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Recorder, "reason_to_park", lambda *_: "")
    with pytest.raises(AssertionError, match="the invariant does not hold"):
        deploy_everywhere()


@pytest.mark.parametrize("deployed", [Deployed.WITHDRAWN, Deployed.CHANGED])
def test_a_start_that_is_repeated_after_another_deployment_succeeds_after_the_next(
    deployed: Deployed,
) -> None:
    setting = Setting(
        saga=SAGA,
        payload=Trip("Rome"),
        prepare=add_seats,
        operators=True,
        signals={"go": Trip("Rome")},
    )
    simulation = Simulation(setting)

    def lose_the_first_start(point: Point) -> Fault | None:
        if point.number > 0:
            return None
        simulation.environment.definitions.deployed = deployed
        return NOT_MADE

    simulation.run(lose_the_first_start)
    is_completed(simulation.environment.store)
