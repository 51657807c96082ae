"""Batches of tasks; each item has its own result, in the order of the request."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from domain.todo.models import Task
from domain.todo.requests import TaskBatch, TaskIds
from domain.todo.tasks import is_repetition, make_task, require_open_list
from lib.datastore import ItemResult, Store, key
from lib.errors import AlreadyExists, AmendsError


def create(
    store: Store, batch: TaskBatch, now: datetime, idempotency_key: str | None
) -> list[dict[str, Any]]:
    """Create tasks in an existing list. A repeated key returns the same tasks."""
    store.transact(lambda tx: require_open_list(tx, batch.task_list_id), read_only=True)
    tasks = [
        make_task(batch.task_list_id, content, now, idempotency_key, number)
        for number, content in enumerate(batch.tasks)
    ]
    outcomes = store.insert_multi(tasks)
    return _show(_forgive_repetitions(store, tasks, outcomes), lambda task: {"task": task})


def get(store: Store, wanted: TaskIds) -> list[dict[str, Any]]:
    """Return each task, or NotFound in its place."""
    keys = [key(Task, wanted.task_list_id, task_id) for task_id in wanted.ids]
    return _show(store.get_multi(keys), lambda task: {"task": task})


def delete(store: Store, wanted: TaskIds) -> list[dict[str, Any]]:
    """Delete each task; a task that does not exist counts as deleted."""
    keys = [key(Task, wanted.task_list_id, task_id) for task_id in wanted.ids]
    return _show(store.delete_multi(keys), lambda _: {"deleted": True})


def _forgive_repetitions(
    store: Store, tasks: Sequence[Task], outcomes: Sequence[ItemResult[Task]]
) -> list[ItemResult[Task]]:
    """Return the outcomes, with the stored task where the same request has created it before."""
    taken = [n for n, each in enumerate(outcomes) if isinstance(each.error, AlreadyExists)]
    keys = [key(Task, tasks[n].task_list_id, tasks[n].id) for n in taken]
    stored = dict(zip(taken, store.find_multi(keys), strict=True)) if taken else {}
    return [
        ItemResult(value=stored[n])
        if stored.get(n) is not None and is_repetition(tasks[n], stored[n])
        else outcome
        for n, outcome in enumerate(outcomes)
    ]


def _show(
    outcomes: Sequence[ItemResult[Any]], show: Callable[[Any], dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        _show_error(outcome.error) if outcome.error else show(outcome.value) for outcome in outcomes
    ]


def _show_error(error: AmendsError) -> dict[str, Any]:
    return {"error": {"status": error.status, "code": error.code, "detail": error.detail}}
