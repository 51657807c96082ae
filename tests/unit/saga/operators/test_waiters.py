"""Waiting for a saga's end: few lookups, few waiters, and never longer than asked."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from lib.errors import Unavailable
from lib.saga.engine.repository import SagaRepository
from lib.saga.operators.waiters import MAX_WAITERS, Waiters
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing import MemoryStore
from tests.unit.saga.machine.build import T0

RUNNING = SagaRecord(
    id="s", name="letters", definition_version=1, fingerprint="f", status=SagaStatus.RUNNING,
    total_steps=1, payload="{}", created_at=T0, created_mark="", updated_at=T0,
)  # fmt: skip

ENDS = [SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK, SagaStatus.FAILED]


class Scripted(SagaRepository):
    """A repository whose only saga changes at given times, with its own clock."""

    def __init__(self, at: float, then: Callable[[], SagaRecord | None]) -> None:
        super().__init__(MemoryStore())
        self.at, self.then = at, then
        self.time = 0.0
        self.lookups = 0

    def find(self, saga_id: str) -> SagaRecord | None:
        assert saga_id == "s"
        self.lookups += 1
        return self.then() if self.time >= self.at else RUNNING

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    def waiters(self, limit: int = MAX_WAITERS) -> Waiters:
        return Waiters(self, limit=limit, sleep=self.sleep, clock=lambda: self.time)


def becomes(status: SagaStatus, at: float) -> Scripted:
    return Scripted(at, lambda: replace(RUNNING, status=status))


def stay() -> bool:
    return False


@pytest.mark.parametrize("status", ENDS)
def test_the_end_is_seen_within_half_of_the_elapsed_time(status: SagaStatus) -> None:
    for at in (0.01, 0.05, 0.3, 1.0, 1.9):
        repository = becomes(status, at)
        found = repository.waiters().follow(RUNNING, timedelta(seconds=10), stay)
        assert found is not None
        assert found.status is status
        assert repository.time <= 1.5 * at + 0.02


@pytest.mark.parametrize(("seconds", "at_most"), [(0, 0), (1, 10), (5, 15), (30, 40), (55, 65)])
def test_a_wait_takes_few_lookups_and_lasts_as_long_as_asked(seconds: int, at_most: int) -> None:
    repository = becomes(SagaStatus.COMPLETED, at=1e9)
    found = repository.waiters().follow(RUNNING, timedelta(seconds=seconds), stay)
    assert found is RUNNING
    assert repository.lookups <= at_most
    assert repository.time == pytest.approx(seconds)


@pytest.mark.parametrize("status", ENDS)
def test_a_saga_that_has_ended_needs_no_lookup(status: SagaStatus) -> None:
    repository = becomes(status, at=0)
    ended = replace(RUNNING, status=status)
    assert repository.waiters(limit=1).follow(ended, timedelta(seconds=9), stay) is ended
    assert (repository.lookups, repository.time) == (0, 0)


def test_an_end_at_the_last_moment_is_seen() -> None:
    repository = becomes(SagaStatus.COMPLETED, at=4.9)
    found = repository.waiters().follow(RUNNING, timedelta(seconds=5), stay)
    assert found is not None
    assert found.status is SagaStatus.COMPLETED


def test_the_wait_ends_when_the_caller_is_gone() -> None:
    repository = becomes(SagaStatus.COMPLETED, at=20)
    waiters = repository.waiters(limit=1)
    assert waiters.follow(RUNNING, timedelta(seconds=30), lambda: repository.time > 1) is RUNNING
    assert repository.time < 2
    assert waiters.follow(RUNNING, timedelta(seconds=1), stay) is not None  # the place is free


def unavailable() -> SagaRecord | None:
    raise Unavailable("no Datastore")


@pytest.mark.parametrize("then", [unavailable, lambda: None])
def test_an_unreadable_saga_ends_the_wait(
    then: Callable[[], SagaRecord | None],
) -> None:
    repository = Scripted(1, then)
    waiters = repository.waiters(limit=1)
    for _ in range(2):
        assert waiters.follow(RUNNING, timedelta(seconds=30), stay) is RUNNING
    assert repository.time < 3


def test_an_additional_waiter_is_answered_at_once() -> None:
    repository = becomes(SagaStatus.COMPLETED, at=0)
    inside, go = threading.Semaphore(0), threading.Event()

    def sleep(_: float) -> None:
        inside.release()
        assert go.wait(10)

    waiters = Waiters(repository, limit=2, sleep=sleep)
    ends: list[SagaRecord | None] = []
    threads = [
        threading.Thread(
            target=lambda: ends.append(waiters.follow(RUNNING, timedelta(seconds=9), stay))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10)
    assert waiters.follow(RUNNING, timedelta(seconds=9), stay) is None
    ended = replace(RUNNING, status=SagaStatus.FAILED)
    assert waiters.follow(ended, timedelta(seconds=9), stay) is ended
    go.set()
    for thread in threads:
        thread.join(10)
    assert [each and each.status for each in ends] == [SagaStatus.COMPLETED] * 2
    assert waiters.follow(RUNNING, timedelta(seconds=9), stay) is not None
