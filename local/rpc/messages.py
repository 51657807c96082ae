"""Google's published messages as plain protobuf classes, without the client library.

A client library wraps every message in proto-plus, which costs more than the rest of a request, and
loads every transport, which takes 0.4 s. A server needs only the message descriptors. So this
module imports only the package's `types`, under a temporary stand-in for the package; a client in
the same process, as in tests, still imports the real one.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

from google.protobuf import descriptor_pool, message_factory


def load_types(package: str) -> None:
    """Load the descriptors of a client package such as `google.cloud.tasks_v2`.

    Raises ModuleNotFoundError if it is not installed.
    """
    types = f"{package}.types"
    if package in sys.modules:
        importlib.import_module(types)
        return
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not installed; see requirements.txt")
    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules[package] = stand_in
    try:
        importlib.import_module(types)
    finally:
        del sys.modules[package]


def get_class(name: str) -> Any:
    """Return the class of a loaded message by its full name; KeyError if there is none."""
    descriptor = descriptor_pool.Default().FindMessageTypeByName(name)
    return message_factory.GetMessageClass(descriptor)
