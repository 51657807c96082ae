"""The tasks of a list over HTTP, one function an operation."""

from lib.clients import now
from lib.datastore import Page, Store, key
from lib.http import endpoint
from lib.paging import PageSize, PageToken
from lib.todo import tasks
from lib.todo.models import ListId, NewTask, Task, TaskChange, TaskId


@endpoint("POST", status=201)
def create_task(body: NewTask, store: Store) -> Task:
    """Create a task in a list that exists."""
    return tasks.create(store, body, now())


@endpoint("GET")
def get_task(task_list_id: ListId, id: TaskId, store: Store) -> Task:
    """Return a task."""
    return store.get(key(Task, task_list_id, id))


@endpoint("PATCH")
def update_task(
    task_list_id: ListId, id: TaskId, body: TaskChange, store: Store, if_match: int | None
) -> Task:
    """Change the fields of a task that are given, and leave the rest."""
    return tasks.update(store, task_list_id, id, body, if_match)


@endpoint("DELETE")
def delete_task(task_list_id: ListId, id: TaskId, store: Store) -> None:
    """Delete a task."""
    store.get(key(Task, task_list_id, id))
    store.delete(key(Task, task_list_id, id))


@endpoint("GET")
def list_tasks(
    task_list_id: ListId, store: Store, page_size: PageSize = 50, page_token: PageToken = None
) -> Page[Task]:
    """Return a page of one list's tasks, the oldest first."""
    return tasks.list_page(store, task_list_id, page_size, page_token)
