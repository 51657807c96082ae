"""The effect barrier: the effect is right despite duplicate, late and reordered calls."""

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from domain.orders.inventory import Stock
from lib.datastore import Store, connect
from lib.saga.barrier import apply_once, undo_once
from lib.saga.definition.context import Permanent, StepContext
from tests.saga.stock import STOCK, put_back, take


@pytest.fixture
def store(host: str) -> Store:
    made = Store(connect(project=f"p{uuid4().hex[:12]}", emulator_host=host))
    made.insert(Stock(id="cd", units=10))
    return made


@pytest.fixture
def call(store: Store) -> StepContext:
    return StepContext(
        saga_id="s",
        step="reserve",
        attempt=1,
        idempotency_key="s/reserve",
        fencing_token=1,
        deadline=datetime.now(UTC),
        store=store,
    )


def units(store: Store) -> int:
    return store.get(STOCK).units


def test_a_duplicate_call_returns_the_first_result_and_has_no_effect(
    store: Store, call: StepContext
) -> None:
    assert apply_once(call, take) == apply_once(call, take) == {"taken": 3}
    assert units(store) == 7


def test_calls_at_the_same_time_have_one_effect(store: Store, call: StepContext) -> None:
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(apply_once(call, take))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"taken": 3}] * 8
    assert units(store) == 7


def test_a_compensation_undoes_the_effect_once(store: Store, call: StepContext) -> None:
    apply_once(call, take)
    undo_once(call, put_back)
    undo_once(call, put_back)
    assert units(store) == 10


def test_a_compensation_without_its_effect_undoes_nothing(store: Store, call: StepContext) -> None:
    undo_once(call, put_back)
    assert units(store) == 10


def test_a_step_that_comes_after_its_compensation_is_refused(
    store: Store, call: StepContext
) -> None:
    undo_once(call, put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(call, take)
    assert units(store) == 10


def test_a_step_that_was_undone_does_not_happen_again(store: Store, call: StepContext) -> None:
    apply_once(call, take)
    undo_once(call, put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(call, take)
    assert units(store) == 10


def test_a_refusal_is_remembered_after_its_reason_is_gone(store: Store, call: StepContext) -> None:
    store.upsert(Stock(id="cd", units=2))
    with pytest.raises(Permanent, match="too few"):
        apply_once(call, take)
    store.upsert(Stock(id="cd", units=10))
    with pytest.raises(Permanent, match="too few"):
        apply_once(call, take)
    undo_once(call, put_back)
    assert units(store) == 10


def refuse(store: Store, call: StepContext) -> None:
    """Make a call fail because of missing stock, and restore the stock."""
    store.upsert(Stock(id="cd", units=2))
    with pytest.raises(Permanent, match="too few"):
        apply_once(call, take)
    store.upsert(Stock(id="cd", units=10))


def test_a_later_attempt_is_not_bound_by_a_refusal(store: Store, call: StepContext) -> None:
    refuse(store, call)
    later = replace(call, fencing_token=2)
    assert apply_once(later, take) == apply_once(later, take) == {"taken": 3}
    undo_once(later, put_back)
    assert units(store) == 10


def test_the_refusal_of_a_later_attempt_applies_to_earlier_duplicates(
    store: Store, call: StepContext
) -> None:
    refuse(store, call)
    refuse(store, replace(call, fencing_token=2))
    for token in (1, 2):
        with pytest.raises(Permanent, match="too few"):
            apply_once(replace(call, fencing_token=token), take)
    assert units(store) == 10


def test_a_late_step_is_refused_after_its_compensation_whatever_its_attempt(
    store: Store, call: StepContext
) -> None:
    undo_once(call, put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(replace(call, fencing_token=9), take)
    assert units(store) == 10


def test_a_concurrent_step_and_compensation_leave_no_effect(
    store: Store, call: StepContext
) -> None:
    def step() -> None:
        with contextlib.suppress(Permanent):
            apply_once(call, take)

    actions = [step, lambda: undo_once(call, put_back)] * 3
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert units(store) == 10


def test_another_step_has_its_own_effect(store: Store, call: StepContext) -> None:
    apply_once(call, take)
    apply_once(replace(call, idempotency_key="t/reserve"), take)
    assert units(store) == 4


def test_a_late_step_is_refused_after_its_compensation_and_an_earlier_refusal(
    store: Store, call: StepContext
) -> None:
    refuse(store, call)
    undo_once(replace(call, fencing_token=3), put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(replace(call, fencing_token=2), take)
    assert units(store) == 10


def test_effects_with_long_results_are_stored_together(store: Store, call: StepContext) -> None:
    """The records of a step's effects are not indexed, because Datastore limits indexed values."""
    texts = {name: name * 100_000 for name in ("one", "two")}
    for name, text in texts.items():
        apply_once(call, lambda _, text=text: text, name=name)  # type: ignore[misc]
    again = replace(call)
    for name, text in texts.items():
        assert apply_once(again, take, name=name) == text
    assert units(store) == 10
