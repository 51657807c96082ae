"""Queries for tasks over HTTP."""

from typing import Any

from domain.todo import task_queries
from domain.todo.models import Task
from domain.todo.requests import ListId
from domain.todo.task_queries import TaskFilter, TaskOrder
from functions.edge import endpoint
from lib.datastore import Page, Store
from lib.edge.request.pages import Fields, PageSize, PageToken
from lib.edge.response.reply import pick_fields


@endpoint("GET")
def list_tasks(
    task_list_id: ListId,
    store: Store,
    include_deleted: bool = False,
    page_size: PageSize = 50,
    page_token: PageToken = None,
    fields: Fields = None,
) -> Any:
    """Return a page of one list's tasks, oldest first."""
    page = task_queries.page_of_list(
        store, task_list_id, page_size, page_token, include_deleted=include_deleted
    )
    return pick_fields(page, Task, fields)


@endpoint("GET")
def list_task_summaries(
    task_list_id: ListId, store: Store, page_size: PageSize = 50, page_token: PageToken = None
) -> Page[dict[str, Any]]:
    """Return a page of one list's tasks, with only their description and whether they are done."""
    return task_queries.page_of_summaries(store, task_list_id, page_size, page_token)


@endpoint("GET")
def query_tasks(
    where: TaskFilter,
    store: Store,
    order: TaskOrder | None = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
    fields: Fields = None,
) -> Any:
    """Return a page of matching tasks from all lists."""
    page = task_queries.page_of_matches(store, where, order, page_size, page_token)
    return pick_fields(page, Task, fields)


@endpoint("GET")
def count_tasks(where: TaskFilter, store: Store) -> dict[str, int]:
    """Return the number of matching tasks in all lists."""
    return {"count": task_queries.count_matches(store, where)}


@endpoint("GET")
def task_statistics(task_list_id: ListId, store: Store) -> dict[str, int | float | None]:
    """Return a list's number of tasks, and the sum and average of their priorities."""
    return task_queries.compute_statistics(store, task_list_id)
