"""Which data the store keeps, and for how long."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from local.rpc.errors import AlreadyExists
from local.tasks.resources.queue_checks import complete_queue
from local.tasks.storage.records import TaskRecord
from local.tasks.storage.store import TaskStore
from local.tasks.v2.messages import Queue
from tests.support.worker import QUEUE


def make_record(name: str, age: timedelta) -> TaskRecord:
    created = time.time() - age.total_seconds()
    return TaskRecord(f"{QUEUE}/tasks/{name}", QUEUE, b"", created, created)


def test_a_task_that_is_too_old_is_deleted_even_if_never_dispatched(tmp_path: Path) -> None:
    async def expire() -> None:
        store = TaskStore(tmp_path / "tasks.sqlite")
        await store.put_queue(complete_queue(Queue(name=QUEUE)))
        old, young = (
            make_record("old", timedelta(days=32)),
            make_record("young", timedelta(days=30)),
        )
        for record in (old, young):
            await store.insert_task(record)
        assert await store.expire_tasks(timedelta(days=31)) == [(QUEUE, old.name)]
        assert [record.name for record in store.list_tasks(QUEUE, "", 9)] == [young.name]
        with pytest.raises(AlreadyExists, match="existed too recently"):
            await store.insert_task(old)
        store.close()

    asyncio.run(expire())
