"""The messages of Cloud Tasks v2."""

from typing import Any

from local.rpc.messages import get_class, load_types

load_types("google.cloud.tasks_v2")


def load_message(name: str) -> Any:
    """Return the class of one ``google.cloud.tasks.v2`` message; KeyError if there is none."""
    return get_class(f"google.cloud.tasks.v2.{name}")


Queue = load_message("Queue")
RetryConfig = load_message("RetryConfig")
Task = load_message("Task")
HttpRequest = load_message("HttpRequest")
ListQueuesResponse = load_message("ListQueuesResponse")
ListTasksResponse = load_message("ListTasksResponse")

RUNNING = 1
PAUSED = 2
FULL_VIEW = 2
#: The HTTP methods by their number in the API; 0, unspecified, means POST.
METHODS = ("POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
