"""Google's published Datastore v1 messages as plain protobuf classes, without their client.

The client library wraps every message in proto-plus, which costs more than the rest of a request;
its descriptors are all that a server needs. Importing the package whole would also load every
transport (0.4 s of a start), so its ``types`` are imported below a bare stand-in for the package.
"""

import importlib.machinery
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pool, message_factory

_PACKAGE = "google.cloud.datastore_v1"


def _load_descriptors() -> None:
    if _PACKAGE in sys.modules:
        importlib.import_module(f"{_PACKAGE}.types")
        return
    parent = importlib.import_module("google.cloud")
    spec = importlib.machinery.PathFinder.find_spec(_PACKAGE, list(parent.__path__))
    if spec is None:
        raise ImportError(f"{_PACKAGE} is not installed")
    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[_PACKAGE] = stand_in
    try:
        importlib.import_module(f"{_PACKAGE}.types")
    finally:
        # A client in the same process (a test) must still find the real package.
        del sys.modules[_PACKAGE]


if TYPE_CHECKING:

    class Message:
        """What mypy is told of a generated message: it has fields."""

        def __init__(self, **fields: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    AggregationQuery = Message
    Entity = Message
    EntityResult = Message
    Filter = Message
    GqlQuery = Message
    Key = Message
    Mutation = Message
    MutationResult = Message
    PropertyFilter = Message
    PropertyTransform = Message
    Query = Message
    QueryResultBatch = Message
    ReadOptions = Message
    Value = Message
else:
    from google.protobuf.message import Message

    _load_descriptors()
    _pool = descriptor_pool.Default()

    def __getattr__(name: str) -> type[Message]:
        try:
            descriptor = _pool.FindMessageTypeByName(f"google.datastore.v1.{name}")
        except KeyError as error:
            raise AttributeError(name) from error
        return globals().setdefault(name, message_factory.GetMessageClass(descriptor))


def get_message_class(name: str) -> Any:
    """Return the class of ``google.datastore.v1.<name>``; AttributeError when there is none."""
    return getattr(sys.modules[__name__], name)
