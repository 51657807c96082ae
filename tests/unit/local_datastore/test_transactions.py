from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.datastore.storage import transactions
from local.datastore.storage.clock import VersionClock
from local.datastore.storage.locks import Footprint, Locks
from local.datastore.storage.store import EntityStore
from local.datastore.storage.transactions import Transactions
from local.rpc.errors import Aborted, InvalidArgument

DATABASE = ("x", "")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EntityStore]:
    opened = EntityStore(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("limit", ["MAX_IDLE", "MAX_AGE"])
@pytest.mark.parametrize("read_only", [False, True])
def test_an_expired_transaction_releases_its_locks(
    store: EntityStore, monkeypatch: pytest.MonkeyPatch, limit: str, read_only: bool
) -> None:
    locks = Locks()
    opened = Transactions(store, locks, VersionClock())
    forgotten = opened.begin(DATABASE, read_only=read_only)
    locks.acquire(forgotten, Footprint(shared={b"key"}), timedelta())
    opened.expire()
    with pytest.raises(Aborted, match="too much contention"):
        locks.acquire("writer", Footprint(exclusive={b"key"}), timedelta(seconds=0.01))
    monkeypatch.setattr(transactions, limit, timedelta(seconds=-1))
    opened.expire()
    locks.acquire("writer", Footprint(exclusive={b"key"}), timedelta())
    with (
        pytest.raises(InvalidArgument, match="no longer valid"),
        opened.use(forgotten.id, DATABASE),
    ):
        pass


def test_an_active_transaction_does_not_expire(
    store: EntityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Transactions(store, Locks(), VersionClock())
    busy = opened.begin(DATABASE, read_only=False)
    monkeypatch.setattr(transactions, "MAX_IDLE", timedelta(seconds=-1))
    with opened.use(busy.id, DATABASE):
        opened.expire()
    with opened.use(busy.id, DATABASE) as again:
        assert again is busy


def test_a_transaction_belongs_to_its_database(store: EntityStore) -> None:
    opened = Transactions(store, Locks(), VersionClock())
    transaction = opened.begin(DATABASE, read_only=False)
    with (
        pytest.raises(InvalidArgument, match="no longer valid"),
        opened.use(transaction.id, ("x", "other")),
    ):
        pass
