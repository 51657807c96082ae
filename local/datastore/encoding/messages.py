"""The messages of Datastore v1, each loaded on first use."""

import sys
from typing import TYPE_CHECKING, Any

from local.rpc.messages import get_class, load_types

if TYPE_CHECKING:

    class Message:
        """A generated message, as mypy sees it: it has fields."""

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

    load_types("google.cloud.datastore_v1")

    def __getattr__(name: str) -> type[Message]:
        try:
            return globals().setdefault(name, get_class(f"google.datastore.v1.{name}"))
        except KeyError as error:
            raise AttributeError(name) from error


def get_message_class(name: str) -> Any:
    """Return the class of ``google.datastore.v1.<name>``; AttributeError if there is none."""
    return getattr(sys.modules[__name__], name)
