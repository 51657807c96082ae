"""The names of locations, queues and tasks, in the formats of the v2 reference."""

import re
import secrets

from local.rpc.errors import InvalidArgument

_LOCATION = r"projects/[A-Za-z0-9:.-]+/locations/[A-Za-z0-9-]+"
_QUEUE = rf"{_LOCATION}/queues/[A-Za-z0-9-]{{1,100}}"
_LOCATION_NAME = re.compile(_LOCATION)
_QUEUE_NAME = re.compile(_QUEUE)
_TASK_NAME = re.compile(rf"{_QUEUE}/tasks/[A-Za-z0-9_-]{{1,500}}")

_LOCATION_FORM = "projects/<PROJECT_ID>/locations/<LOCATION_ID>"
_QUEUE_FORM = f"{_LOCATION_FORM}/queues/<QUEUE_ID>"
_TASK_FORM = f"{_QUEUE_FORM}/tasks/<TASK_ID>"


def check_location(name: str) -> str:
    """Return the location name; raise InvalidArgument if it is malformed."""
    if not _LOCATION_NAME.fullmatch(name):
        raise InvalidArgument(f'Location name must be formatted: "{_LOCATION_FORM}"')
    return name


def check_queue(name: str) -> str:
    """Return the queue name; raise InvalidArgument if it is malformed."""
    if not _QUEUE_NAME.fullmatch(name):
        raise InvalidArgument(f'Queue name must be formatted: "{_QUEUE_FORM}".')
    return name


def check_task(name: str) -> str:
    """Return the task name; raise InvalidArgument if it is malformed."""
    if not _TASK_NAME.fullmatch(name):
        raise InvalidArgument(f'Task name must be formatted: "{_TASK_FORM}"')
    return name


def check_new_task(name: str, queue: str) -> str:
    """Return the name for a new task in this queue; raise InvalidArgument if it is invalid."""
    if queue_of(name) == queue and not _TASK_NAME.fullmatch(name):
        raise InvalidArgument(
            f'Task ID "{short_name(name)[:600]}" can contain only letters ([A-Za-z]), numbers '
            "([0-9]), hyphens (-), or underscores (_). "
            "Task ID must between 1 and 500 characters."
        )
    if queue_of(check_task(name)) != queue:
        raise InvalidArgument(
            f"The queue name from request ('{queue}') must be the same as the queue name in the "
            f"named task ('{queue_of(name)}')."
        )
    return name


def queue_of(task: str) -> str:
    """Return the queue's name from a task name."""
    return task.rpartition("/tasks/")[0]


def short_name(name: str) -> str:
    """Return the last segment of a name, as in the ``X-CloudTasks-*`` headers."""
    return name.rpartition("/")[2]


def make_task_name(queue: str) -> str:
    """Return a random name for a task that was created without one."""
    return f"{queue}/tasks/{secrets.randbits(63)}"
