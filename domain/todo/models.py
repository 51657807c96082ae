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
    #: `created_at` as an index takes it at any rate.
    _created_mark: Annotated[str, Indexed, Renamed("created_mark")]
    #: Set while a cascading delete runs: such a list accepts no new tasks.
    deleting: Annotated[bool, OmitEmpty] = False
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Task:
    """A task in a list; its id is allocated, or made from the Idempotency-Key.

    `deleted_at` is also stored while it is None, because otherwise no query could find tasks that
    are not deleted. `due_at` is not: a task without a due time is in no range of due times.
    """

    id: Id[int] = 0
    task_list_id: Parent[str]
    description: Indexed[str]
    done: Indexed[bool] = False
    priority: Indexed[int] = 0
    due_at: Annotated[datetime | None, Indexed, OmitEmpty] = None
    created_at: Indexed[datetime]
    deleted_at: Indexed[datetime | None] = None
    #: A hash of the request that created it, to distinguish a repetition from a reused key. No
    #: caller sees it, like every field that begins with an underscore.
    _request_hash: Annotated[str, OmitEmpty, Renamed("request_hash")] = ""
    version: Version = 0

    @property
    def is_deleted(self) -> bool:
        """Whether it is soft-deleted."""
        return self.deleted_at is not None
