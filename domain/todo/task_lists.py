"""Operations on task lists."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.todo.models import Task, TaskList
from domain.todo.requests import MAX_BATCH, NewTaskList
from lib.datastore import Key, Page, Query, Store, Transaction, key, time_mark
from lib.errors import AlreadyExists, Conflict, VersionMismatch
from lib.timing import deadline

#: A cascading delete starts no new batch if less time than this is left.
LAST_BATCH_BEFORE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Deleted:
    """The progress of a cascading delete: whether it is done, and how many tasks were deleted."""

    done: bool
    tasks: int


def make_list(new: NewTaskList, now: datetime) -> TaskList:
    """Return a new list, created at `now`."""
    mark = time_mark(new.id, now)
    return TaskList(id=new.id, name=new.name, created_at=now, _created_mark=mark)


def create(store: Store, new: NewTaskList, now: datetime) -> TaskList:
    """Create a list; AlreadyExists if its id is taken."""
    return store.insert(make_list(new, now))


def update(store: Store, list_id: str, name: str, if_match: int | None) -> TaskList:
    """Rename an existing list; VersionMismatch if its version is not `if_match`."""

    def write(tx: Transaction) -> TaskList:
        seen = tx.get(key(TaskList, list_id))
        check_version(seen.version, if_match)
        renamed = replace(seen, name=name)
        tx.update(renamed)
        return renamed

    return store.transact(write, idempotent=True)


def create_only(store: Store, new: NewTaskList, now: datetime) -> TaskList:
    """Create a list only if it does not exist; VersionMismatch if it does."""
    try:
        return create(store, new, now)
    except AlreadyExists as error:
        raise VersionMismatch(error.detail, field="If-None-Match") from None


def upsert(
    store: Store, new: NewTaskList, now: datetime, if_match: int | None, *, update_only: bool
) -> TaskList:
    """Create a list, or rename the existing one and keep its creation time.

    VersionMismatch if the list must exist but does not, or has another version.
    """

    def write(tx: Transaction) -> TaskList:
        seen = tx.find(key(TaskList, new.id))
        if seen is None and (update_only or if_match is not None):
            raise VersionMismatch(f"there is no list {new.id!r}", field="If-Match")
        if seen is not None:
            check_version(seen.version, if_match)
        written = replace(seen, name=new.name) if seen else make_list(new, now)
        tx.upsert(written)
        return written

    return store.transact(write, idempotent=True)


def delete(store: Store, list_id: str, if_match: int | None) -> None:
    """Delete an empty list; Conflict if it has tasks."""

    def write(tx: Transaction) -> None:
        wanted = key(TaskList, list_id)
        check_version(tx.get(wanted).version, if_match)
        if tx.run(_keys_of_tasks(wanted), limit=1):
            raise Conflict(f"list {list_id!r} still has tasks: empty it, or send cascade=true")
        tx.delete(wanted)

    store.transact(write)


def delete_with_tasks(store: Store, list_id: str, if_match: int | None) -> Deleted:
    """Delete a list and all its tasks, in batches, until the request's time is used up.

    The list accepts no new tasks from then on. Call again to continue.
    """
    wanted = key(TaskList, list_id)
    store.transact(lambda tx: _close(tx, wanted, if_match), idempotent=True)
    gone = 0
    while keys := store.run(_keys_of_tasks(wanted), limit=MAX_BATCH):
        left = deadline.remaining()
        if left is not None and left < LAST_BATCH_BEFORE:
            return Deleted(done=False, tasks=gone)
        for outcome in store.delete_multi(keys):
            outcome.unwrap()
        gone += len(keys)
    store.delete(wanted)
    return Deleted(done=True, tasks=gone)


def list_page(store: Store, size: int, token: str | None) -> Page[TaskList]:
    """Return a page of all lists, oldest first."""
    return store.page_by_time(Query(TaskList), "_created_mark", size, token)


def check_version(stored: int, if_match: int | None) -> None:
    """Raise VersionMismatch unless the stored version is the one that the caller saw."""
    if if_match is not None and stored != if_match:
        raise VersionMismatch(f"the stored version is {stored}, not {if_match}", field="If-Match")


def _close(tx: Transaction, wanted: Key[TaskList], if_match: int | None) -> None:
    seen = tx.get(wanted)
    if not seen.deleting:
        check_version(seen.version, if_match)
        tx.update(replace(seen, deleting=True))


def _keys_of_tasks(wanted: Key[TaskList]) -> Query[Key[Task]]:
    return Query(Task).ancestor(wanted).keys_only()
