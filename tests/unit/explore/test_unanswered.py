"""A commit without an answer is repeated, which uses no attempt of the step."""

from lib.datastore import Store, key
from lib.saga.definition.retry_policy import RetryPolicy
from lib.saga.definition.saga import Saga
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.simulation.faults.kinds import FaultKind
from lib.saga.testing.simulation.setting import Setting
from tests.unit.explore.seats import add_seats, seat

UNANSWERED = (FaultKind.NOT_MADE, FaultKind.LOST_ANSWER, FaultKind.MADE_LATE)


def is_completed(store: Store) -> bool:
    return store.get(key(SagaRecord, "explored")).status is SagaStatus.COMPLETED


def test_a_step_with_one_attempt_survives_a_commit_without_an_answer() -> None:
    saga = Saga("seats", payload=dict, steps=(seat("a", retry=RetryPolicy(attempts=1)), seat("b")))
    explorer = Explorer(Setting(saga=saga, payload={}, prepare=add_seats), is_completed)
    tried = explorer.run_schedule({}, remembers=True)
    for schedule, moment in tried.extend():
        [(number, fault)] = schedule.items()
        if fault.kind in UNANSWERED and " the commit of " in tried.points[number].where:
            explorer.run_schedule(schedule, moment)
    assert explorer.make_report().schedules > 8
