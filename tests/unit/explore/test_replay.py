"""A schedule always does the same: alone, after others, replayed.

That it does so in another process too is tested in tests/saga/test_hashes.py.
"""

import random

import pytest

from lib.saga.engine.repository import SagaRepository
from lib.saga.testing.exploration.explore import draw_faults
from lib.saga.testing.exploration.explorer import Explorer, Schedule
from tests.unit.explore import digests

NUMBERS = range(digests.SCHEDULES)


def replay(explorer: Explorer, schedule: Schedule) -> str:
    return explorer.run(lambda point: schedule.get(point.number))


@pytest.mark.parametrize("what", digests.list_all())
def test_a_schedule_is_repeatable_whatever_ran_before_it(what: str) -> None:
    forward = digests.run_all(digests.make_explorer(what), NUMBERS)
    assert forward == digests.run_all(digests.make_explorer(what), reversed(NUMBERS))


@pytest.mark.parametrize("what", digests.list_all())
def test_a_schedule_is_replayed_by_its_faults(what: str) -> None:
    explorer = digests.make_explorer(what)
    for number, first in digests.run_all(explorer, NUMBERS).items():
        explorer.run(draw_faults(random.Random(f"4/{number}")))
        injected = explorer._simulation.environment.state.injected
        schedule = {point.number: fault for point, fault in injected}
        assert digests.digest(explorer, replay(explorer, schedule)) == first


def test_a_schedule_that_fails_its_retention_check_fails_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Equal final states are checked once; once a failed one counted as checked, too."""
    purge = SagaRepository.purge
    monkeypatch.setattr(
        SagaRepository, "purge", lambda repository, saga, _: purge(repository, saga, [])
    )
    explorer = digests.make_explorer("a group")
    first = explorer.run(lambda _: None)
    assert "of a finished saga is still there" in first
    assert explorer.run(lambda _: None) == first
