"""Receipts: no two concurrent transactions share one."""

from datetime import UTC, datetime

import pytest

from lib.datastore.transaction.receipts import LIFETIME, RING_SIZE, Receipts

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_receipts_in_use_all_differ_however_many_there_are() -> None:
    receipts = Receipts()
    taken = [receipts.take(NOW) for _ in range(3 * RING_SIZE)]
    assert len({receipt.id for receipt in taken}) == 3 * RING_SIZE
    assert len({receipt.transaction for receipt in taken}) == 3 * RING_SIZE


def test_sequential_transactions_use_the_receipts_in_turn() -> None:
    receipts = Receipts()
    ids = []
    for _ in range(5 * RING_SIZE):
        receipt = receipts.take(NOW)
        ids.append(receipt.id)
        receipts.give_back(receipt)
    assert len(set(ids)) == RING_SIZE
    assert len(set(ids[-RING_SIZE:])) == RING_SIZE


def test_a_receipt_is_only_used_again_when_it_was_given_back() -> None:
    receipts = Receipts()
    kept = receipts.take(NOW)
    for _ in range(5 * RING_SIZE):
        receipt = receipts.take(NOW)
        assert receipt.id != kept.id
        receipts.give_back(receipt)


def test_a_forked_process_uses_receipts_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = Receipts()
    parents = {receipts.take(NOW).id for _ in range(RING_SIZE)}
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert not parents & {receipts.take(NOW).id for _ in range(RING_SIZE)}


def test_a_receipt_expires() -> None:
    assert Receipts().take(NOW).expires_at == NOW + LIFETIME
