"""The kinds of the guide's sample: lists, and the tasks in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from lib.datastore import Id, Indexed, OmitEmpty, Parent, Version, entity

ListId = Annotated[str, Meta(pattern=r"^(?!__.*__$)[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=200)]
TaskId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
ListName = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(min_length=1, max_length=5000)]
Priority = Annotated[int, Meta(ge=0, le=1000)]


@entity
@dataclass(slots=True, kw_only=True)
class TaskList:
    """A list of tasks, by the caller's own id."""

    id: Id[str]
    name: str
    created_at: Indexed[datetime]
    version: Version = 0


@entity
@dataclass(slots=True, kw_only=True)
class Task:
    """A task in a list; its id is allocated."""

    id: Id[int] = 0
    task_list_id: Parent[str]
    description: str
    done: Indexed[bool] = False
    priority: Annotated[int, Indexed] = 0
    created_at: Indexed[datetime]
    deleted_at: Annotated[datetime | None, Indexed, OmitEmpty] = None
    version: Version = 0


class NewTaskList(Struct, forbid_unknown_fields=True):
    """What a caller says of a list to be created."""

    id: ListId
    name: ListName


class TaskListChange(Struct, forbid_unknown_fields=True):
    """What of a list can be changed."""

    name: ListName


class NewTask(Struct, forbid_unknown_fields=True):
    """What a caller says of a task to be created."""

    task_list_id: ListId
    description: Description
    done: bool = False
    priority: Priority = 0


class TaskChange(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What of a task can be changed; what is left out stays."""

    description: Description | UnsetType = UNSET
    done: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
