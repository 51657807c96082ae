"""A purged saga has no unfinished ancestor, however distant."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.purge import Ancestry
from lib.saga.machine.start.creations import new_saga
from lib.saga.state.records import SagaRecord, SagaStatus
from lib.saga.testing import MemoryStore
from tests.unit.saga.machine.build import THREE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make(saga_id: str, status: SagaStatus, parent: str = "") -> SagaRecord:
    return replace(new_saga(THREE, saga_id, "{}", NOW), status=status, parent_id=parent)


@pytest.mark.parametrize("status", SagaStatus)
def test_a_finished_grandchild_is_kept_while_its_grandparent_is_unfinished(
    status: SagaStatus,
) -> None:
    store = MemoryStore()
    grandchild = make("g", SagaStatus.COMPLETED, "c")
    for saga in (make("s", status), make("c", SagaStatus.COMPLETED, "s"), grandchild):
        store.insert(saga)
    finished = status in (SagaStatus.COMPLETED, SagaStatus.ROLLED_BACK)
    assert Ancestry(SagaRepository(store)).is_unfinished(grandchild) is not finished
