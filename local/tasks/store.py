"""Queues, tasks and the names of finished tasks in one SQLite file."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.tasks.journal import Journal
from local.tasks.messages import Queue
from local.tasks.names import queue_of
from local.tasks.records import TaskRecord
from local.tasks.refusals import AlreadyExists, FailedPrecondition, NotFound

#: A used task name stays refused for up to this long (v2 reference, CreateTask).
TASK_TOMBSTONE = timedelta(hours=24)
#: A deleted queue's name stays refused for up to this long (v2 reference, DeleteQueue).
QUEUE_TOMBSTONE = timedelta(days=3)

_COLUMNS = ", ".join(field.name for field in fields(TaskRecord))
_MARKS = ", ".join("?" for _ in fields(TaskRecord))
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
"""
_NO_QUEUE = "Queue does not exist."
_DELETED_QUEUE = "The queue no longer exists, though a queue with this name existed recently."
_RECENT_QUEUE = "The queue cannot be created because a queue with this name existed too recently."
_DELETED_TASK = (
    "The task no longer exists, though a task with this name existed recently. "
    "The task either successfully completed or was deleted."
)


_STATE = tuple(field.name for field in fields(TaskRecord))[4:]
_UPDATE = f"UPDATE task SET {', '.join(f'{column} = ?' for column in _STATE)} WHERE name = ?"  # noqa: S608


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    return connection


class Store:
    """What a restart must find again. Changes that return are on disk."""

    def __init__(self, path: Path, *, tombstone: timedelta = TASK_TOMBSTONE) -> None:
        self._tombstone = tombstone.total_seconds()
        writer = _connect(path)
        writer.executescript(_SCHEMA)
        self._reader = _connect(path)
        self._reading = threading.Lock()
        self._journal = Journal(writer)

    def close(self) -> None:
        """Write what was noted, then close."""
        self._journal.close()
        self._reader.close()

    def clear_tasks(self) -> None:
        """Forget every task and every used task name."""

        def change(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM task")
            db.execute("DELETE FROM used_name")

        self._journal.write(change)

    def put_queue(self, queue: Any) -> None:
        """Keep a queue's settings and state, new or changed."""
        row = (queue.name, queue.SerializeToString())
        self._journal.write(lambda db: db.execute("REPLACE INTO queue VALUES (?, ?, NULL)", row))

    def insert_queue(self, queue: Any) -> None:
        """Keep a new queue; AlreadyExists or FailedPrecondition if its name is or was in use."""

        def change(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT deleted FROM queue WHERE name = ?", (queue.name,)).fetchone()
            if row and row[0] is None:
                raise AlreadyExists("Queue already exists")
            if row and row[0] > time.time() - QUEUE_TOMBSTONE.total_seconds():
                raise FailedPrecondition(_RECENT_QUEUE)
            body = queue.SerializeToString()
            db.execute("REPLACE INTO queue VALUES (?, ?, NULL)", (queue.name, body))

        self._journal.write(change)

    def delete_queue(self, name: str) -> None:
        """Delete a queue and its tasks; its name and theirs stay used for their windows."""

        def change(db: sqlite3.Connection) -> None:
            self._delete_tasks(db, name)
            db.execute("UPDATE queue SET deleted = ? WHERE name = ?", (time.time(), name))

        self._journal.write(change)

    def purge_queue(self, queue: Any) -> None:
        """Delete the tasks of a queue and keep its new purge time."""

        def change(db: sqlite3.Connection) -> None:
            self._delete_tasks(db, queue.name)
            body = queue.SerializeToString()
            db.execute("UPDATE queue SET body = ? WHERE name = ?", (body, queue.name))

        self._journal.write(change)

    def insert_task(self, record: TaskRecord) -> None:
        """Keep a new task; refused if its queue is not there or its name is or was in use."""

        def change(db: sqlite3.Connection) -> None:
            _check_queue(db, record.queue)
            if _exists(db, record.name):
                raise AlreadyExists("Requested entity already exists")
            self._check_unused(db, record.name)
            db.execute(f"INSERT INTO task ({_COLUMNS}) VALUES ({_MARKS})", astuple(record))  # noqa: S608

        self._journal.write(change)

    def delete_task(self, name: str) -> None:
        """Delete a task for a caller; NotFound if there is none."""

        def change(db: sqlite3.Connection) -> None:
            if not self._finish(db, name):
                raise self._explain_absence(db, name)

        self._journal.write(change)

    def note_finished(self, name: str) -> None:
        """Delete a task that was executed or given up; its name stays used."""
        self._journal.note(lambda db: self._finish(db, name))

    def note_attempt(self, record: TaskRecord) -> None:
        """Keep that a task is being dispatched, if it is still there."""
        self._journal.note(lambda db: _update(db, record))

    def write_attempt(self, record: TaskRecord) -> None:
        """Keep what has become of a task, if it is still there; a later read sees it."""
        self._journal.write(lambda db: _update(db, record))

    def get_task(self, name: str) -> TaskRecord:
        """Return a task; NotFound if there is none, with the reason."""
        record = self.find_task(name)
        if record is None:
            with self._reading:
                _check_queue(self._reader, queue_of(name))
                raise self._explain_absence(self._reader, name)
        return record

    def find_task(self, name: str) -> TaskRecord | None:
        """Return a task, or None."""
        rows = self._read_tasks("name = ?", (name,))
        return rows[0] if rows else None

    def list_tasks(self, queue: str, after: str, limit: int) -> list[TaskRecord]:
        """Return up to `limit` tasks of a queue in order of their names, behind `after`."""
        start = max(after, f"{queue}/tasks/")
        end = f"{queue}/tasks0"
        return self._read_tasks("name > ? AND name < ? ORDER BY name LIMIT ?", (start, end, limit))

    def list_schedules(self) -> Iterator[tuple[str, str, float]]:
        """Yield queue, name and schedule time of every task: what the dispatcher starts with."""
        return self._reader.execute("SELECT queue, name, scheduled FROM task ORDER BY scheduled")

    def get_queue(self, name: str) -> Any:
        """Return a queue; NotFound if there is none."""
        queue = self.find_queue(name)
        if queue is None:
            raise NotFound(_NO_QUEUE)
        return queue

    def find_queue(self, name: str) -> Any | None:
        """Return a queue, or None."""
        with self._reading:
            row = self._reader.execute(
                "SELECT body FROM queue WHERE name = ? AND deleted IS NULL", (name,)
            ).fetchone()
        return Queue.FromString(row[0]) if row else None

    def list_queues(self) -> list[Any]:
        """Return every queue that is not deleted, in order of their names."""
        with self._reading:
            rows = self._reader.execute(
                "SELECT body FROM queue WHERE deleted IS NULL ORDER BY name"
            ).fetchall()
        return [Queue.FromString(body) for (body,) in rows]

    def _read_tasks(self, where: str, values: tuple[object, ...]) -> list[TaskRecord]:
        with self._reading:
            rows = self._reader.execute(
                f"SELECT {_COLUMNS} FROM task WHERE {where}",  # noqa: S608
                values,
            ).fetchall()
        return [TaskRecord(*row) for row in rows]

    def _finish(self, db: sqlite3.Connection, name: str) -> bool:
        if not db.execute("DELETE FROM task WHERE name = ?", (name,)).rowcount:
            return False
        now = time.time()
        db.execute("REPLACE INTO used_name VALUES (?, ?)", (name, now + self._tombstone))
        db.execute("DELETE FROM used_name WHERE expires < ?", (now,))
        return True

    def _delete_tasks(self, db: sqlite3.Connection, queue: str) -> None:
        expires = time.time() + self._tombstone
        db.execute(
            "REPLACE INTO used_name SELECT name, ? FROM task WHERE queue = ?", (expires, queue)
        )
        db.execute("DELETE FROM task WHERE queue = ?", (queue,))

    def _check_unused(self, db: sqlite3.Connection, name: str) -> None:
        if self._is_used(db, name):
            raise AlreadyExists(
                "The task cannot be created because a task with this name existed too recently."
            )

    def _explain_absence(self, db: sqlite3.Connection, name: str) -> NotFound:
        return NotFound(_DELETED_TASK if self._is_used(db, name) else "Task does not exist.")

    def _is_used(self, db: sqlite3.Connection, name: str) -> bool:
        row = db.execute("SELECT expires FROM used_name WHERE name = ?", (name,)).fetchone()
        return row is not None and row[0] >= time.time()


def _update(db: sqlite3.Connection, record: TaskRecord) -> None:
    db.execute(_UPDATE, (*(getattr(record, column) for column in _STATE), record.name))


def _exists(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM task WHERE name = ?", (name,)).fetchone() is not None


def _check_queue(db: sqlite3.Connection, name: str) -> None:
    row = db.execute("SELECT deleted FROM queue WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(_NO_QUEUE)
    if row[0] is not None:
        raise FailedPrecondition(_DELETED_QUEUE)
