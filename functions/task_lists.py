"""Task lists over HTTP, one function an operation."""

from lib.clients import now
from lib.datastore import Page, Store, key
from lib.http import endpoint
from lib.paging import PageSize, PageToken
from lib.todo import task_lists
from lib.todo.models import ListId, NewTaskList, TaskList, TaskListChange


@endpoint("POST", status=201)
def create_task_list(body: NewTaskList, store: Store) -> TaskList:
    """Create a list; 409 when its id is taken."""
    return task_lists.create(store, body, now())


@endpoint("GET")
def get_task_list(id: ListId, store: Store) -> TaskList:
    """Return a list."""
    return store.get(key(TaskList, id))


@endpoint("PATCH")
def update_task_list(
    id: ListId, body: TaskListChange, store: Store, if_match: int | None
) -> TaskList:
    """Rename a list that exists."""
    return task_lists.update(store, id, body.name, if_match)


@endpoint("PUT")
def upsert_task_list(body: NewTaskList, store: Store) -> TaskList:
    """Create a list, or rename the one that there is."""
    return task_lists.upsert(store, body, now())


@endpoint("DELETE")
def delete_task_list(id: ListId, store: Store) -> None:
    """Delete an empty list; 409 while it has tasks."""
    task_lists.delete(store, id)


@endpoint("GET")
def list_task_lists(
    store: Store, page_size: PageSize = 50, page_token: PageToken = None
) -> Page[TaskList]:
    """Return a page of all lists, the oldest first."""
    return task_lists.list_page(store, page_size, page_token)
