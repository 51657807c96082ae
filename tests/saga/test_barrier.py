"""The effect barrier: whatever comes twice, late or the wrong way round, the effect is right."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from lib.datastore import Store, Transaction, connect, key
from lib.orders.inventory import Stock
from lib.saga.barrier import apply_once, undo_once
from lib.saga.call import Call, Permanent

STOCK = key(Stock, "cd")


@pytest.fixture
def store(host: str) -> Store:
    made = Store(connect(project=f"p{uuid4().hex[:12]}", emulator_host=host))
    made.insert(Stock(id="cd", units=10))
    return made


@pytest.fixture
def call(store: Store) -> Call:
    return Call(
        saga_id="s",
        step="reserve",
        attempt=1,
        idempotency_key="s/reserve",
        fencing_token=1,
        deadline=datetime.now(UTC),
        store=store,
    )


def take(tx: Transaction) -> dict[str, int]:
    stock = tx.get(STOCK)
    if stock.units < 3:
        raise Permanent("too few")
    tx.update(replace(stock, units=stock.units - 3))
    return {"taken": 3}


def put_back(tx: Transaction, result: Any) -> None:
    stock = tx.get(STOCK)
    tx.update(replace(stock, units=stock.units + result["taken"]))


def units(store: Store) -> int:
    return store.get(STOCK).units


def test_a_duplicate_call_returns_the_first_result_and_has_no_effect(
    store: Store, call: Call
) -> None:
    assert apply_once(call, take) == apply_once(call, take) == {"taken": 3}
    assert units(store) == 7


def test_calls_at_the_same_time_have_one_effect(store: Store, call: Call) -> None:
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


def test_a_compensation_undoes_the_effect_once(store: Store, call: Call) -> None:
    apply_once(call, take)
    undo_once(call, put_back)
    undo_once(call, put_back)
    assert units(store) == 10


def test_a_compensation_without_its_effect_undoes_nothing(store: Store, call: Call) -> None:
    undo_once(call, put_back)
    assert units(store) == 10


def test_a_step_that_comes_after_its_compensation_is_refused(store: Store, call: Call) -> None:
    undo_once(call, put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(call, take)
    assert units(store) == 10


def test_a_step_that_was_undone_does_not_happen_again(store: Store, call: Call) -> None:
    apply_once(call, take)
    undo_once(call, put_back)
    with pytest.raises(Permanent, match="compensated"):
        apply_once(call, take)
    assert units(store) == 10


def test_a_refusal_is_remembered_even_when_the_reason_has_passed(store: Store, call: Call) -> None:
    store.upsert(Stock(id="cd", units=2))
    with pytest.raises(Permanent, match="too few"):
        apply_once(call, take)
    store.upsert(Stock(id="cd", units=10))
    with pytest.raises(Permanent, match="too few"):
        apply_once(call, take)
    undo_once(call, put_back)
    assert units(store) == 10


def test_another_step_has_its_own_effect(store: Store, call: Call) -> None:
    apply_once(call, take)
    apply_once(replace(call, idempotency_key="t/reserve"), take)
    assert units(store) == 4
