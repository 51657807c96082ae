"""The requests for lists and tasks, and their limits."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

#: The maximum size of a batch: it fits into one commit.
MAX_BATCH = 500

ListId = Annotated[
    str,
    Meta(
        pattern=r"^(?!__.*__\Z)[A-Za-z0-9_][A-Za-z0-9._-]*\Z",
        max_length=200,
        description="text of 1 to 200 letters, digits, dots, underscores and hyphens, starting "
        "with no dot or hyphen, and not like __this__",
    ),
]
TaskId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
ListName = Annotated[str, Meta(min_length=1, max_length=200)]
#: Descriptions are indexed, and Datastore indexes strings of at most 1500 bytes.
Description = Annotated[str, Meta(min_length=1, max_length=1500)]
Priority = Annotated[int, Meta(ge=0, le=1000)]
Time = Annotated[datetime, Meta(tz=True)]


class NewTaskList(Struct, forbid_unknown_fields=True):
    """A list to be created."""

    id: ListId
    name: ListName


class TaskListChange(Struct, forbid_unknown_fields=True):
    """The fields of a list that can change."""

    name: ListName


class TaskContent(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of a task that a caller sets."""

    description: Description
    done: bool = False
    priority: Priority = 0
    due_at: Time | None = None


class NewTask(TaskContent, forbid_unknown_fields=True, kw_only=True):
    """A task to be created in a list."""

    task_list_id: ListId


class TaskChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of a task to change; fields that are left out keep their values."""

    description: Description | UnsetType = UNSET
    done: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due_at: Time | UnsetType | None = UNSET


class Transfer(Struct, forbid_unknown_fields=True, kw_only=True):
    """A task to be moved into another list."""

    task_list_id: ListId
    id: TaskId
    to_task_list_id: ListId


class TaskBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Tasks to be created in one list."""

    task_list_id: ListId
    tasks: Annotated[list[TaskContent], Meta(min_length=1, max_length=MAX_BATCH)]


class TaskIds(Struct, forbid_unknown_fields=True, kw_only=True):
    """Tasks of one list, by their ids."""

    task_list_id: ListId
    ids: Annotated[list[TaskId], Meta(min_length=1, max_length=MAX_BATCH)]
