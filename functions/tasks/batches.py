"""Several tasks in one call; each item has its own result, in the order of the request."""

from typing import Any

from domain.todo import task_batches
from domain.todo.requests import TaskBatch, TaskIds
from functions.edge import endpoint
from lib.datastore import Store
from lib.timing.clock import now

Outcomes = dict[str, list[dict[str, Any]]]


@endpoint("POST")
def batch_create_tasks(body: TaskBatch, store: Store, idempotency_key: str | None) -> Outcomes:
    """Create tasks in one list. A repeated Idempotency-Key returns the same tasks."""
    return {"items": task_batches.create(store, body, now(), idempotency_key)}


@endpoint("POST")
def batch_get_tasks(body: TaskIds, store: Store) -> Outcomes:
    """Return tasks of one list."""
    return {"items": task_batches.get(store, body)}


@endpoint("POST")
def batch_delete_tasks(body: TaskIds, store: Store) -> Outcomes:
    """Delete tasks of one list permanently."""
    return {"items": task_batches.delete(store, body)}
