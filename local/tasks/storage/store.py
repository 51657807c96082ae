"""Queues, tasks and the names of finished tasks in one SQLite file."""

import sqlite3
import time
from collections import OrderedDict
from dataclasses import fields
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

from google.longrunning.operations_pb2 import Operation

from local.rpc.errors import AlreadyExists, FailedPrecondition, NotFound
from local.tasks.storage.database import Database
from local.tasks.storage.records import TaskRecord
from local.tasks.v2.messages import Queue
from local.tasks.v2.names import queue_of

#: For how long a used task name is refused (v2 reference, CreateTask).
TASK_TOMBSTONE = timedelta(hours=24)
#: For how long a deleted queue's name is refused (v2 reference, DeleteQueue).
QUEUE_TOMBSTONE = timedelta(days=3)
#: For how long a batch's operation is kept, and not run again.
OPERATION_RETENTION = timedelta(days=1)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queue (name TEXT PRIMARY KEY, body BLOB, deleted REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task (
    name TEXT PRIMARY KEY, queue TEXT, body BLOB, created REAL, scheduled REAL,
    dispatches INT, responses INT, executions INT, first_dispatched REAL,
    attempt_scheduled REAL, attempt_dispatched REAL, attempt_answered REAL,
    previous_status INT, previous_code INT, previous_reason TEXT
);
CREATE TABLE IF NOT EXISTS used_name (name TEXT PRIMARY KEY, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_name_by_expiry ON used_name (expires);
CREATE TABLE IF NOT EXISTS operation (name TEXT PRIMARY KEY, body BLOB, expires REAL) WITHOUT ROWID;
"""
_COLUMNS = tuple(field.name for field in fields(TaskRecord))
_STATE = _COLUMNS[_COLUMNS.index("scheduled") :]
_read_columns = attrgetter(*_COLUMNS)
_read_state = attrgetter(*_STATE, "name")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM task WHERE "  # noqa: S608
_INSERT = f"INSERT INTO task ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_UPDATE = f"UPDATE task SET {', '.join(f'{column} = ?' for column in _STATE)} WHERE name = ?"  # noqa: S608

_FIND_OBSTACLES = """SELECT
    (SELECT 1 FROM queue WHERE name = ? AND deleted IS NULL),
    (SELECT 1 FROM task WHERE name = ?),
    (SELECT expires FROM used_name WHERE name = ?)
"""
_MAX_RECENT = 1000

# Google's service was observed to answer with these texts.
_NO_QUEUE = (
    "Queue does not exist. "
    "If you just created the queue, wait at least a minute for the queue to initialize."
)
_RECENT_QUEUE = "The queue cannot be created because a queue with this name existed too recently."
_NO_ENTITY = "Requested entity was not found."
_DELETED_TASK = (
    "The task no longer exists, though a task with this name existed recently. "
    "The task either successfully completed or was deleted."
)
_RECENT_TASK = "The task cannot be created because a task with this name existed too recently."


class TaskStore:
    """The persistent state. The async methods return when their change is committed."""

    def __init__(self, path: Path, *, tombstone: timedelta = TASK_TOMBSTONE) -> None:
        self._tombstone = tombstone.total_seconds()
        self._db = Database(path, _SCHEMA)
        #: A cache of the last changed tasks; only this store writes the file.
        self._recent: OrderedDict[str, TaskRecord] = OrderedDict()

    def close(self) -> None:
        """Commit the last changes, and close."""
        self._db.close()

    async def put_queue(self, queue: Any) -> None:
        """Store a new or changed queue."""
        body = queue.SerializeToString()
        self._db.change("REPLACE INTO queue VALUES (?, ?, NULL)", queue.name, body)
        await self._db.sync()

    async def insert_queue(self, queue: Any) -> None:
        """Store a new queue; AlreadyExists or FailedPrecondition if its name is or was used."""
        deleted = self._read_deletion(queue.name)
        if deleted == 0:
            raise AlreadyExists("Queue already exists")
        if deleted is not None and deleted > time.time() - QUEUE_TOMBSTONE.total_seconds():
            raise FailedPrecondition(_RECENT_QUEUE)
        await self.put_queue(queue)

    async def delete_queue(self, name: str) -> None:
        """Delete a queue and its tasks; all their names stay used for a while.

        Raises NotFound if there is no such queue.
        """
        if self.find_queue(name) is None:
            raise NotFound(_NO_ENTITY)
        self._delete_tasks(name)
        self._db.change("UPDATE queue SET deleted = ? WHERE name = ?", time.time(), name)
        await self._db.sync()

    async def purge_queue(self, queue: Any) -> None:
        """Delete a queue's tasks and store its new purge time."""
        self._delete_tasks(queue.name)
        await self.put_queue(queue)

    def get_queue(self, name: str) -> Any:
        """Return a queue; NotFound if there is none."""
        queue = self.find_queue(name)
        if queue is None:
            raise NotFound(_NO_QUEUE)
        return queue

    def find_queue(self, name: str) -> Any | None:
        """Return a queue, or None."""
        rows = self._db.read("SELECT body FROM queue WHERE name = ? AND deleted IS NULL", name)
        return Queue.FromString(rows[0][0]) if rows else None

    def list_queues(self) -> list[Any]:
        """Return every queue that is not deleted, ordered by name."""
        rows = self._db.read("SELECT body FROM queue WHERE deleted IS NULL ORDER BY name")
        return [Queue.FromString(body) for (body,) in rows]

    async def insert_task(self, record: TaskRecord) -> None:
        """Store a new task.

        Raises NotFound if its queue does not exist, and AlreadyExists if its name is or was used.
        """
        [(queue, task, expires)] = self._db.read(
            _FIND_OBSTACLES, record.queue, record.name, record.name
        )
        if not queue:
            raise NotFound(_NO_QUEUE)
        if task:
            raise AlreadyExists("Requested entity already exists")
        if expires is not None and expires >= time.time():
            raise AlreadyExists(_RECENT_TASK)
        self._db.change(_INSERT, *_read_columns(record))
        self._remember(record)
        try:
            await self._db.sync()
        except sqlite3.Error:
            self._recent.pop(record.name, None)
            raise

    async def delete_task(self, name: str) -> None:
        """Delete a task; NotFound, with the reason, if there is none."""
        self.get_task(name)
        self.finish_task(name)
        await self._db.sync()

    async def clear_tasks(self) -> None:
        """Delete all tasks, used task names and operations."""
        self._recent.clear()
        self._db.change("DELETE FROM task")
        self._db.change("DELETE FROM used_name")
        self._db.change("DELETE FROM operation")
        await self._db.sync()

    async def expire_tasks(self, retention: timedelta) -> list[tuple[str, str]]:
        """Delete tasks older than `retention`, dispatched or not; return their queues and names."""
        oldest = time.time() - retention.total_seconds()
        expired = self._db.read("SELECT queue, name FROM task WHERE created < ?", oldest)
        for _, name in expired:
            self.finish_task(name)
        self._db.change("DELETE FROM used_name WHERE expires < ?", time.time())
        await self._db.sync()
        return expired

    async def put_operation(self, operation: Any) -> None:
        """Store an operation for a day, by its name."""
        now = time.time()
        self._db.change("DELETE FROM operation WHERE expires < ?", now)
        body, expires = operation.SerializeToString(), now + OPERATION_RETENTION.total_seconds()
        self._db.change("REPLACE INTO operation VALUES (?, ?, ?)", operation.name, body, expires)
        await self._db.sync()

    def find_operation(self, name: str) -> Any | None:
        """Return an operation, or None."""
        rows = self._db.read("SELECT body FROM operation WHERE name = ?", name)
        return Operation.FromString(rows[0][0]) if rows else None

    def finish_task(self, name: str) -> None:
        """Delete a task that succeeded or was given up, if it exists; its name stays used.

        If this process dies before the commit, the task is delivered again.
        """
        self._recent.pop(name, None)
        if self._db.change("DELETE FROM task WHERE name = ?", name):
            expires = time.time() + self._tombstone
            self._db.change("REPLACE INTO used_name VALUES (?, ?)", name, expires)

    def update_task(self, record: TaskRecord) -> None:
        """Store a task's new state, if the task exists; it is committed soon."""
        if self._db.change(_UPDATE, *_read_state(record)):
            self._remember(record)

    def get_task(self, name: str) -> TaskRecord:
        """Return a task; NotFound, with the reason, if there is none."""
        record = self.find_task(name)
        if record is None:
            self.get_queue(queue_of(name))
            raise NotFound(_DELETED_TASK if self._is_used(name) else _NO_ENTITY)
        return record

    def find_task(self, name: str) -> TaskRecord | None:
        """Return a task, or None."""
        if recent := self._recent.get(name):
            return recent
        rows = self._db.read(f"{_SELECT} name = ?", name)
        return TaskRecord(*rows[0]) if rows else None

    def list_tasks(self, queue: str, after: str, limit: int) -> list[TaskRecord]:
        """Return up to `limit` tasks of a queue ordered by name, those after `after`."""
        prefix, end = f"{queue}/tasks/", f"{queue}/tasks0"
        query = f"{_SELECT} name > ? AND name < ? ORDER BY name LIMIT ?"
        return [TaskRecord(*row) for row in self._db.read(query, max(after, prefix), end, limit)]

    def list_schedules(self) -> list[tuple[str, str, float]]:
        """Return queue, name and due time of every task, for the dispatcher's start.

        If a task has a timestamp in the future, the clock was set back since: the task is then due
        after its original wait, counted from now.
        """
        last = "max(created, attempt_dispatched, attempt_answered)"
        due = f"CASE WHEN {last} > now THEN now + max(0, scheduled - {last}) ELSE scheduled END"
        query = f"SELECT queue, name, {due} FROM task, (SELECT ? AS now) ORDER BY 3"  # noqa: S608  no input in it
        return self._db.read(query, time.time())

    def _delete_tasks(self, queue: str) -> None:
        self._recent.clear()
        expires = time.time() + self._tombstone
        self._db.change(
            "REPLACE INTO used_name SELECT name, ? FROM task WHERE queue = ?", expires, queue
        )
        self._db.change("DELETE FROM task WHERE queue = ?", queue)

    def _read_deletion(self, queue: str) -> float | None:
        """Return when a queue was deleted: 0 if it exists, None if it never existed."""
        rows = self._db.read("SELECT deleted FROM queue WHERE name = ?", queue)
        return (rows[0][0] or 0.0) if rows else None

    def _remember(self, record: TaskRecord) -> None:
        self._recent[record.name] = record
        if len(self._recent) > _MAX_RECENT:
            self._recent.popitem(last=False)

    def _is_used(self, task: str) -> bool:
        rows = self._db.read("SELECT expires FROM used_name WHERE name = ?", task)
        return bool(rows) and rows[0][0] >= time.time()
