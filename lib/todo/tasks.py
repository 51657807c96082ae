"""What can be done with the tasks of a list."""

from dataclasses import replace
from datetime import datetime

from msgspec import UNSET
from msgspec.structs import asdict

from lib.datastore import Page, Query, Store, Transaction, key
from lib.todo.models import NewTask, Task, TaskChange, TaskList


def create(store: Store, new: NewTask, now: datetime) -> Task:
    """Create a task in a list that exists; NotFound when there is no such list.

    The list is read in the transaction, so it cannot be deleted under the task's feet.
    """

    def write(tx: Transaction) -> Task:
        tx.get(key(TaskList, new.task_list_id))
        return tx.insert(
            Task(
                task_list_id=new.task_list_id,
                description=new.description,
                done=new.done,
                priority=new.priority,
                created_at=now,
            )
        )

    return store.transact(write)


def update(
    store: Store, list_id: str, task_id: int, change: TaskChange, if_match: int | None
) -> Task:
    """Change what is given of a task and leave the rest; VersionMismatch when it moved on."""
    given = {name: new for name, new in asdict(change).items() if new is not UNSET}
    seen = store.get(key(Task, list_id, task_id))
    return store.update(replace(seen, **given), if_version=if_match or seen.version)


def list_page(store: Store, list_id: str, size: int, token: str | None) -> Page[Task]:
    """Return a page of a list's tasks, the oldest first; NotFound when there is no such list."""
    store.get(key(TaskList, list_id))
    tasks = Query(Task).ancestor(key(TaskList, list_id)).order("created_at")
    return store.page(tasks, size=size, token=token)
