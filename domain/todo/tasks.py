"""Operations on tasks."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec
from msgspec import UNSET

from domain.todo.models import Task, TaskList
from domain.todo.requests import NewTask, TaskChange, TaskContent, Transfer
from domain.todo.task_lists import check_version
from lib.datastore import Store, Transaction, key
from lib.errors import AlreadyExists, Conflict, NotFound


def create(store: Store, new: NewTask, now: datetime, idempotency_key: str | None) -> Task:
    """Create a task in an existing list; NotFound if there is no such list.

    The transaction reads the list, so nobody can delete it meanwhile. A repeated key returns the
    same task; Conflict if the key was used for another request.
    """
    task = make_task(new.task_list_id, new, now, idempotency_key)

    def write(tx: Transaction) -> Task:
        require_open_list(tx, new.task_list_id)
        return tx.insert(task)

    try:
        return store.transact(write, idempotent=idempotency_key is not None)
    except AlreadyExists:
        return _created_before(store, task)


def change(
    store: Store, list_id: str, task_id: int, wanted: TaskChange, if_match: int | None
) -> Task:
    """Change only the given fields of a task."""
    given = {name: new for name, new in msgspec.structs.asdict(wanted).items() if new is not UNSET}
    return _rewrite(store, list_id, task_id, if_match, lambda seen: replace(seen, **given))


def replace_content(
    store: Store, list_id: str, task_id: int, content: TaskContent, if_match: int | None
) -> Task:
    """Replace a task's content; fields that are left out get their defaults."""
    fresh = msgspec.structs.asdict(content)
    return _rewrite(store, list_id, task_id, if_match, lambda seen: replace(seen, **fresh))


def soft_delete(
    store: Store, list_id: str, task_id: int, now: datetime, if_match: int | None
) -> Task:
    """Mark a task as deleted; if it is marked already, its time does not change."""
    return _rewrite(
        store,
        list_id,
        task_id,
        if_match,
        lambda seen: replace(seen, deleted_at=seen.deleted_at or now),
    )


def restore(store: Store, list_id: str, task_id: int, if_match: int | None) -> Task:
    """Undo a soft deletion."""
    return _rewrite(store, list_id, task_id, if_match, lambda seen: replace(seen, deleted_at=None))


def delete(store: Store, list_id: str, task_id: int, if_match: int | None) -> None:
    """Delete a task permanently; NotFound if there is none."""

    def write(tx: Transaction) -> None:
        wanted = key(Task, list_id, task_id)
        check_version(tx.get(wanted).version, if_match)
        tx.delete(wanted)

    store.transact(write)


def transfer(store: Store, wanted: Transfer, if_match: int | None) -> Task:
    """Move a task into another list atomically; it gets a new id there."""
    if wanted.task_list_id == wanted.to_task_list_id:
        raise Conflict("the task is already in that list", field="to_task_list_id")

    def write(tx: Transaction) -> Task:
        origin = key(Task, wanted.task_list_id, wanted.id)
        task = tx.get(origin)
        check_version(task.version, if_match)
        require_open_list(tx, wanted.to_task_list_id)
        tx.delete(origin)
        return tx.insert(replace(task, id=0, task_list_id=wanted.to_task_list_id, version=0))

    return store.transact(write)


def make_task(
    list_id: str, content: TaskContent, now: datetime, idempotency_key: str | None, number: int = 0
) -> Task:
    """Return a task to insert; with a key, its id is derived from the key and `number`."""
    return Task(
        id=_id_of(idempotency_key, number) if idempotency_key else 0,
        task_list_id=list_id,
        description=content.description,
        done=content.done,
        priority=content.priority,
        due_at=content.due_at,
        created_at=now,
        _request_hash=_hash_of(content) if idempotency_key else "",
    )


def require_open_list(tx: Transaction, list_id: str) -> None:
    """Raise NotFound if there is no such list, and Conflict if it is being deleted."""
    found = tx.find(key(TaskList, list_id))
    if found is None:
        raise NotFound(f"there is no list {list_id!r}", field="task_list_id")
    if found.deleting:
        raise Conflict(f"list {list_id!r} is being deleted", field="task_list_id")


def is_repetition(task: Task, stored: Task) -> bool:
    """Return whether a stored task was created by the same request."""
    return stored._request_hash == task._request_hash != ""


def _rewrite(
    store: Store,
    list_id: str,
    task_id: int,
    if_match: int | None,
    make: Callable[[Task], Task],
) -> Task:
    def write(tx: Transaction) -> Task:
        seen = tx.get(key(Task, list_id, task_id))
        check_version(seen.version, if_match)
        made = make(seen)
        tx.update(made)
        return made

    return store.transact(write, idempotent=if_match is None)


def _created_before(store: Store, task: Task) -> Task:
    stored = store.get(key(Task, task.task_list_id, task.id))
    if not is_repetition(task, stored):
        raise Conflict("this Idempotency-Key was used for another task", field="Idempotency-Key")
    return stored


def _id_of(idempotency_key: str, number: int) -> int:
    digest = hashlib.sha256(f"{idempotency_key}\n{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (2**53 - 1) + 1


def _hash_of(content: TaskContent) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]
