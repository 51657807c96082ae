"""Task lists over HTTP, one function for each operation."""

from typing import Any

from domain.todo import task_lists
from domain.todo.models import TaskList
from domain.todo.requests import ListId, NewTaskList, TaskListChange
from functions.edge import endpoint
from lib.datastore import Store, key
from lib.edge.request.pages import Fields, PageSize, PageToken
from lib.edge.response.reply import Reply, pick_fields
from lib.errors import Malformed
from lib.timing.clock import now


@endpoint("POST", status=201)
def create_task_list(body: NewTaskList, store: Store) -> TaskList:
    """Create a list; 409 if its id is taken."""
    return task_lists.create(store, body, now())


@endpoint("GET")
def get_task_list(id: ListId, store: Store, fields: Fields = None) -> Any:
    """Return a list."""
    return pick_fields(store.get(key(TaskList, id)), TaskList, fields)


@endpoint("PATCH")
def update_task_list(
    id: ListId, body: TaskListChange, store: Store, if_match: int | None
) -> TaskList:
    """Rename a list that exists."""
    return task_lists.update(store, id, body.name, if_match)


@endpoint("PUT")
def upsert_task_list(
    body: NewTaskList, store: Store, if_match: int | None, create_only: bool, update_only: bool
) -> TaskList:
    """Create a list, or rename the existing one.

    With If-None-Match: * only create, with If-Match: * only rename.
    """
    if create_only and update_only:
        raise Malformed("If-Match: * and If-None-Match: * exclude each other", field="If-Match")
    if create_only:
        return task_lists.create_only(store, body, now())
    return task_lists.upsert(store, body, now(), if_match, update_only=update_only)


@endpoint("DELETE")
def delete_task_list(
    id: ListId, store: Store, if_match: int | None, cascade: bool = False
) -> Reply | None:
    """Delete an empty list; with cascade=true also its tasks: after a 202, call again."""
    if not cascade:
        task_lists.delete(store, id, if_match)
        return None
    deleted = task_lists.delete_with_tasks(store, id, if_match)
    return None if deleted.done else Reply(deleted, status=202)


@endpoint("GET")
def list_task_lists(
    store: Store, page_size: PageSize = 50, page_token: PageToken = None, fields: Fields = None
) -> Any:
    """Return a page of all lists, oldest first."""
    return pick_fields(task_lists.list_page(store, page_size, page_token), TaskList, fields)
