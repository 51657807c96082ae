"""Queries for tasks; index.yaml has exactly the indexes that they need."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from domain.todo.models import Task, TaskList
from domain.todo.requests import Description, Priority, Time
from lib.datastore import Avg, Count, Page, Query, Store, Sum, key
from lib.errors import Invalid


class TaskOrder(StrEnum):
    """The sort orders of tasks."""

    CREATED = "created"
    PRIORITY = "priority"
    DUE = "due"


#: The fields of each sort order; a field with a range filter must come first.
ORDERS = {
    TaskOrder.CREATED: ("created_at",),
    TaskOrder.PRIORITY: ("-priority", "created_at"),
    TaskOrder.DUE: ("due_at", "-priority"),
}


class TaskFilter(Struct, frozen=True, kw_only=True):
    """A filter for tasks in all lists; it never matches soft-deleted tasks."""

    done: bool | None = None
    description: Description | None = None
    priority_at_least: Priority | None = None
    due_from: Time | None = None
    due_before: Time | None = None

    @property
    def is_due_ranged(self) -> bool:
        """Whether the filter has a range of due times."""
        return self.due_from is not None or self.due_before is not None

    @property
    def is_ranged(self) -> bool:
        """Whether the filter has any range; its query then needs a sorted index."""
        return self.is_due_ranged or self.priority_at_least is not None


def page_of_list(
    store: Store, list_id: str, size: int, token: str | None, *, include_deleted: bool
) -> Page[Task]:
    """Return a page of a list's tasks, oldest first; NotFound if there is no such list."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id))
    if not include_deleted:
        tasks = tasks.where("deleted_at", "=", None)
    return store.page(tasks.order("created_at"), size=size, token=token)


def page_of_summaries(
    store: Store, list_id: str, size: int, token: str | None
) -> Page[dict[str, Any]]:
    """Return a page of tasks with only `description` and `done`, read from the index."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id)).where("deleted_at", "=", None)
    rows = tasks.order("created_at").project("description", "done")
    return store.page(rows, size=size, token=token)


def page_of_matches(
    store: Store, wanted: TaskFilter, order: TaskOrder | None, size: int, token: str | None
) -> Page[Task]:
    """Return a page of matching tasks from all lists; Invalid if order and range do not fit."""
    order = order or _order_of(wanted)
    _check_ranges(wanted, order)
    query = match(wanted).order(*ORDERS[order])
    return store.page(query, size=size, token=token)


def count_matches(store: Store, wanted: TaskFilter) -> int:
    """Return the number of matching tasks in all lists; Datastore counts them."""
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
    """Return the query for a filter, without a sort order."""
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
        raise Invalid("a range of due times needs order=due", field="order")
    if wanted.priority_at_least is not None and order is TaskOrder.CREATED:
        raise Invalid("a range of priorities needs order=priority or order=due", field="order")
