"""The Cloud Tasks v2 messages as raw protobuf classes, loaded without the client library.

``google.cloud.tasks_v2`` imports its client, and with it a third of a second of start-up that a
server has no use for. Only the package's ``types`` are imported here, behind an empty package
object that is taken away again; a later, ordinary import of the client works as ever.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from google.protobuf import descriptor_pool, message_factory

_PACKAGE = "google.cloud.tasks_v2"


@contextmanager
def _empty_package() -> Iterator[None]:
    if _PACKAGE in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{_PACKAGE} is not installed; see requirements.txt")
    package = ModuleType(_PACKAGE)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[_PACKAGE] = package
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]


with _empty_package():
    importlib.import_module(f"{_PACKAGE}.types.cloudtasks")


def load_message(name: str) -> Any:
    """Return the raw class of one ``google.cloud.tasks.v2`` message; KeyError if there is none."""
    pool = descriptor_pool.Default()
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"google.cloud.tasks.v2.{name}")
    )


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
