"""The tasks of a list over HTTP, one function for each operation."""

from typing import Any

from domain.todo import tasks
from domain.todo.models import Task
from domain.todo.requests import ListId, NewTask, TaskChange, TaskContent, TaskId, Transfer
from functions.edge import endpoint
from lib.datastore import Store, key
from lib.edge.request.pages import Fields
from lib.edge.response.reply import pick_fields
from lib.timing.clock import now


@endpoint("POST", status=201)
def create_task(body: NewTask, store: Store, idempotency_key: str | None) -> Task:
    """Create a task in an existing list. A repeated Idempotency-Key returns the same task."""
    return tasks.create(store, body, now(), idempotency_key)


@endpoint("GET")
def get_task(task_list_id: ListId, id: TaskId, store: Store, fields: Fields = None) -> Any:
    """Return a task."""
    return pick_fields(store.get(key(Task, task_list_id, id)), Task, fields)


@endpoint("PATCH")
def update_task(
    task_list_id: ListId, id: TaskId, body: TaskChange, store: Store, if_match: int | None
) -> Task:
    """Change only the given fields of a task."""
    return tasks.change(store, task_list_id, id, body, if_match)


@endpoint("PUT")
def replace_task(
    task_list_id: ListId, id: TaskId, body: TaskContent, store: Store, if_match: int | None
) -> Task:
    """Replace a task's content."""
    return tasks.replace_content(store, task_list_id, id, body, if_match)


@endpoint("POST")
def transfer_task(body: Transfer, store: Store, if_match: int | None) -> Task:
    """Move a task into another list, where it gets a new id."""
    return tasks.transfer(store, body, if_match)


@endpoint("POST")
def soft_delete_task(task_list_id: ListId, id: TaskId, store: Store, if_match: int | None) -> Task:
    """Mark a task as deleted; lists and queries skip it."""
    return tasks.soft_delete(store, task_list_id, id, now(), if_match)


@endpoint("POST")
def restore_task(task_list_id: ListId, id: TaskId, store: Store, if_match: int | None) -> Task:
    """Undo a soft deletion."""
    return tasks.restore(store, task_list_id, id, if_match)


@endpoint("DELETE")
def delete_task(task_list_id: ListId, id: TaskId, store: Store, if_match: int | None) -> None:
    """Delete a task permanently."""
    tasks.delete(store, task_list_id, id, if_match)
