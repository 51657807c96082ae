"""Queries for tasks. index.yaml has exactly the indexes that they need."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from domain.todo.models import Task, TaskList
from domain.todo.requests import Description, Priority, Time
from lib.datastore import Avg, Count, Page, Query, Store, Sum, key
from lib.errors import Invalid


class TaskOrder(StrEnum):
    """The possible orders of tasks."""

    CREATED = "created"
    PRIORITY = "priority"
    DUE = "due"


#: The fields behind each order: what is ranged over comes first.
ORDERS = {
    TaskOrder.CREATED: ("created_at",),
    TaskOrder.PRIORITY: ("-priority", "created_at"),
    TaskOrder.DUE: ("due_at", "-priority"),
}


class TaskFilter(Struct, frozen=True, kw_only=True):
    """Which tasks, of all lists; never soft-deleted ones."""

    done: bool | None = None
    description: Description | None = None
    priority_at_least: Priority | None = None
    due_from: Time | None = None
    due_before: Time | None = None

    @property
    def is_due_ranged(self) -> bool:
        """Whether there is a bound on due times."""
        return self.due_from is not None or self.due_before is not None

    @property
    def is_ranged(self) -> bool:
        """Whether there is any bound: such a query needs an ordered index."""
        return self.is_due_ranged or self.priority_at_least is not None


def page_of_list(
    store: Store, list_id: str, size: int, token: str | None, *, include_deleted: bool
) -> Page[Task]:
    """Return a page of a list's tasks, the oldest first; NotFound when there is no such list."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id))
    if not include_deleted:
        tasks = tasks.where("deleted_at", "=", None)
    return store.page(tasks.order("created_at"), size=size, token=token)


def page_of_summaries(
    store: Store, list_id: str, size: int, token: str | None
) -> Page[dict[str, Any]]:
    """Return a page of descriptions and whether they are done, read from the index alone."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id)).where("deleted_at", "=", None)
    rows = tasks.order("created_at").project("description", "done")
    return store.page(rows, size=size, token=token)


def page_of_matches(
    store: Store, wanted: TaskFilter, order: TaskOrder | None, size: int, token: str | None
) -> Page[Task]:
    """Return a page of the tasks of all lists that match."""
    order = order or _order_of(wanted)
    _check_ranges(wanted, order)
    query = match(wanted).order(*ORDERS[order])
    return store.page(query, size=size, token=token)


def count_matches(store: Store, wanted: TaskFilter) -> int:
    """Return how many tasks of all lists match, counted in Datastore."""
    query = match(wanted)
    if wanted.is_ranged:
        query = query.order(*ORDERS[_order_of(wanted)])
    return store.count(query)


def compute_statistics(store: Store, list_id: str) -> dict[str, int | float | None]:
    """Return a list's number of tasks, and the sum and average of their priorities."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id)).where("deleted_at", "=", None)
    return store.aggregate(
        tasks, count=Count(), priority_sum=Sum("priority"), priority_avg=Avg("priority")
    )


def match(wanted: TaskFilter) -> Query[Task]:
    """Return the query, without an order."""
    query = Query(Task).where("deleted_at", "=", None)
    if wanted.done is not None:
        query = query.where("done", "=", wanted.done)
    if wanted.description is not None:
        query = query.where("description", "=", wanted.description)
    if wanted.priority_at_least is not None:
        query = query.where("priority", ">=", wanted.priority_at_least)
    if wanted.due_from is not None:
        query = query.where("due_at", ">=", wanted.due_from)
    if wanted.due_before is not None:
        query = query.where("due_at", "<", wanted.due_before)
    return query


def _order_of(wanted: TaskFilter) -> TaskOrder:
    if wanted.is_due_ranged:
        return TaskOrder.DUE
    return TaskOrder.PRIORITY if wanted.priority_at_least is not None else TaskOrder.CREATED


def _check_ranges(wanted: TaskFilter, order: TaskOrder) -> None:
    if wanted.is_due_ranged and order is not TaskOrder.DUE:
        raise Invalid("a range of due times is ordered by due", field="order")
    if wanted.priority_at_least is not None and order is TaskOrder.CREATED:
        raise Invalid("a range of priorities is ordered by priority or due", field="order")
