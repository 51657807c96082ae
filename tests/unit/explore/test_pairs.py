"""Pairs of faults find what no single fault shows, with few attempts and each state once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.datastore import Store, key
from lib.saga.definition.child import Child
from lib.saga.definition.context import StepContext
from lib.saga.definition.saga import Saga
from lib.saga.definition.steps import Parallel, Step
from lib.saga.testing import explore
from lib.saga.testing.exploration.equivalence import describe_state
from lib.saga.testing.exploration.explorer import Explorer
from lib.saga.testing.exploration.short_retries import shorten_retries
from lib.saga.testing.simulation.setting import Setting
from lib.saga.testing.simulation.state.deployment import Deployed
from lib.saga.testing.simulation.state.snapshot import Snapshot
from tests.unit.explore.seats import TWICE, Seats, add_seats, make_saga


def count_up(_: Any, call: StepContext) -> None:
    """Take a seat in each call: without the barrier, a second call counts too."""
    seats = call.store.get(key(Seats, call.step))
    call.store.update(replace(seats, taken=seats.taken + 1), if_version=seats.version)


def is_taken_twice_at_most(store: Store) -> bool:
    return store.get(key(Seats, "a")).taken <= 2


def test_a_third_call_takes_two_faults_and_is_found_by_pairs_only() -> None:
    saga = Saga("seats", payload=dict, steps=(Step("a", execute=count_up, retry=TWICE),))
    explore(saga, {}, is_taken_twice_at_most, prepare=add_seats, pairs=False)
    with pytest.raises(AssertionError, match=r"the invariant does not hold[^\n]*\n[^\n]*; then "):
        explore(saga, {}, is_taken_twice_at_most, prepare=add_seats)


def test_pairs_limit_attempts_and_allow_one_more_before_parking() -> None:
    inner = Saga("inner", payload=dict, steps=(Step("x", execute=count_up, compensate=count_up),))
    parts = (
        Child("c", saga=inner, payload=lambda payload, _: payload),
        Parallel(Step("a", execute=count_up, compensate=count_up)),
        Step("p", execute=count_up, pivot=True),
        Step("r", execute=count_up),
    )
    short = shorten_retries(Saga("seats", payload=dict, steps=parts))
    assert [short.retry_of(index).attempts for index in (1, 2, 3)] == [2, 3, 3]
    child, step = short.elements[:2]
    assert isinstance(child, Child)
    assert isinstance(step, Step)
    assert child.saga.retry_of(0).attempts == 2
    assert step.compensation_retry.attempts == 3


def test_states_are_equal_if_only_times_differ() -> None:
    explorer = Explorer(Setting(saga=make_saga("ab"), payload={}, prepare=add_seats), bool)
    first, *_, last = explorer.run_schedule({}, remembers=True).snapshots
    assert describe_state(first) != describe_state(last)

    def later(by: timedelta) -> Snapshot:
        return with_state(first, last_life=first.state.last_life + by)

    assert describe_state(later(timedelta(milliseconds=2))) == describe_state(first)
    for changed in (
        later(timedelta(seconds=30)),
        with_state(first, may_need_sweep=not first.state.may_need_sweep),
        with_state(first, history=last.state.history),
        replace(first, deployed=Deployed.WITHDRAWN),
        replace(first, memory=last.memory),
        replace(first, queue=last.queue),
    ):
        assert describe_state(changed) != describe_state(first)


def with_state(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return replace(snapshot, state=replace(snapshot.state, **changes))


def test_every_run_continues_from_its_snapshots_as_before() -> None:
    """A late action once kept the claims of its first run, and then had no effect."""
    explorer = Explorer(Setting(saga=make_saga("a"), payload={}, prepare=add_seats), bool)
    again = 0
    for single in explorer.run_singles(remembers=True):
        for snapshot in single.snapshots:
            repeated = explorer.run_schedule(single.schedule, snapshot)
            assert repeated.points == single.points
            again += 1
    assert again > 100


def test_actions_that_do_not_repeat_are_reported() -> None:
    calls: list[str] = []

    def count_or_not(payload: Any, call: StepContext) -> None:
        calls.append(call.step)
        if len(calls) % 2:
            count_up(payload, call)

    saga = Saga("seats", payload=dict, steps=(Step("a", execute=count_or_not, retry=TWICE),))
    with pytest.raises(AssertionError, match=r"faults gave a different run: .* randomness"):
        explore(saga, {}, bool, prepare=add_seats)
