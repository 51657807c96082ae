"""The kinds of the guide's sample: lists, and the tasks in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from lib.datastore import Id, Indexed, OmitEmpty, Parent, Renamed, Version, entity


@entity
@dataclass(slots=True, kw_only=True)
class TaskList:
    """A list of tasks, by the caller's own id."""

    id: Id[str]
    name: str
    created_at: datetime
    #: `created_at` with a shard in front, because an index of plain times limits the write rate.
    _created_mark: Annotated[str, Indexed, Renamed("created_mark")]
    #: Set while a cascading delete runs; the list then accepts no new tasks.
    deleting: Annotated[bool, OmitEmpty] = False
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Task:
    """A task in a list; its id is allocated, or derived from the Idempotency-Key.

    `deleted_at` is stored even if it is None: otherwise no query could find tasks that are not
    deleted. `due_at` is not stored if it is None: no range of due times contains such a task.
    """

    id: Id[int] = 0
    task_list_id: Parent[str]
    description: Indexed[str]
    done: Indexed[bool] = False
    priority: Indexed[int] = 0
    due_at: Annotated[datetime | None, Indexed, OmitEmpty] = None
    created_at: Indexed[datetime]
    deleted_at: Indexed[datetime | None] = None
    #: A hash of the request that created the task, which tells a repeated request from a reused
    #: key. Callers never see fields that begin with an underscore.
    _request_hash: Annotated[str, OmitEmpty, Renamed("request_hash")] = ""
    version: Version = 0

    @property
    def is_deleted(self) -> bool:
        """Whether it is soft-deleted."""
        return self.deleted_at is not None
