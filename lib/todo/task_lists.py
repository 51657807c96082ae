"""What can be done with lists of tasks."""

from dataclasses import replace
from datetime import datetime

from lib.datastore import Page, Query, Store, Transaction, key
from lib.errors import Conflict
from lib.todo.models import NewTaskList, Task, TaskList


def create(store: Store, new: NewTaskList, now: datetime) -> TaskList:
    """Create a list; AlreadyExists when its id is taken."""
    return store.insert(TaskList(id=new.id, name=new.name, created_at=now))


def update(store: Store, list_id: str, name: str, if_match: int | None) -> TaskList:
    """Rename a list that exists; VersionMismatch when it is not the version that was seen."""
    seen = store.get(key(TaskList, list_id))
    return store.update(replace(seen, name=name), if_version=if_match)


def upsert(store: Store, new: NewTaskList, now: datetime) -> TaskList:
    """Create a list, or rename it: its creation time stays as it was."""

    def write(tx: Transaction) -> None:
        seen = tx.find(key(TaskList, new.id))
        created_at = now if seen is None else seen.created_at
        tx.upsert(TaskList(id=new.id, name=new.name, created_at=created_at))

    store.transact(write)
    return store.get(key(TaskList, new.id))


def delete(store: Store, list_id: str) -> None:
    """Delete a list that has no tasks; Conflict while it has."""

    def write(tx: Transaction) -> None:
        wanted = key(TaskList, list_id)
        tx.get(wanted)
        if tx.run(Query(Task).ancestor(wanted).keys_only(), limit=1):
            raise Conflict(f"list {list_id!r} still has tasks")
        tx.delete(wanted)

    store.transact(write)


def list_page(store: Store, size: int, token: str | None) -> Page[TaskList]:
    """Return a page of all lists, the oldest first."""
    return store.page(Query(TaskList).order("created_at"), size=size, token=token)
