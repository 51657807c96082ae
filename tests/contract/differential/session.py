"""One of the compared servers, and its answers in a sequence so far."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import grpc

from local.datastore.encoding.messages import get_message_class
from tests.contract.wire import Path, Wire, read_value

#: What no two servers can agree on stands for itself: an id that was allocated, the time of a
#: request.
ALLOCATED, NOW = "(allocated)", "(now)"
_SMALLEST_ALLOCATED = 10_000
_LONG_AGO = datetime(2020, 1, 1)

Answer = tuple[str, Any]


class Session:
    """A server during one sequence of operations, which has its own namespaces."""

    def __init__(self, host: str) -> None:
        self.wire = Wire(host, "")
        self.times: list[Any] = []
        self._name = ""

    def start(self, name: str) -> None:
        """Begin a sequence."""
        self.times.clear()
        self._name = name
        self.enter(0)

    def enter(self, number: int) -> None:
        """Go on in one of the sequence's namespaces."""
        self.wire.namespace = f"{self._name}-{number}"

    def options(self, at: int | None = None, transaction: bytes = b"") -> Any:
        """Return read options: of the present, of an earlier commit's time, of a transaction."""
        options = get_message_class("ReadOptions")()
        if transaction:
            options.transaction = transaction
        elif at is not None and self.times:
            options.read_time.CopyFrom(self.times[at % len(self.times)])
        return options

    def find_version(self, path: Path) -> int:
        """Return the version of what is stored, or 0."""
        found = self.wire.look_up(path).found
        return int(found[0].version) if found else 0


def attempt(call: Callable[..., Any], *arguments: Any) -> Answer:
    """Return the status of a request, and its answer when that is OK."""
    try:
        return "OK", call(*arguments)
    except grpc.RpcError as error:
        return error.code().name, None


def read_entity(entity: Any) -> tuple[str, str]:
    """Return a key and properties as text, by which NaN equals NaN and 1 is not 1.0."""
    return read_key(entity.key), read_values(entity.properties)


def read_key(key: Any) -> str:
    """Return a key as text."""
    path = "/".join(f"{one.kind}:{_read_id(one)}" for one in key.path)
    return f"{key.partition_id.namespace_id.rpartition('-')[2]}/{path}"


def _read_id(element: Any) -> str:
    if element.id > _SMALLEST_ALLOCATED:
        return ALLOCATED
    return repr(element.name or element.id)


def read_values(values: Any) -> str:
    """Return named values as text."""
    return repr(sorted((name, _read_value(value)) for name, value in values.items()))


def _read_value(value: Any) -> Any:
    if value.WhichOneof("value_type") == "key_value":
        return read_key(value.key_value)
    if value.WhichOneof("value_type") == "array_value":
        return [_read_value(one) for one in value.array_value.values]
    read = read_value(value)
    if isinstance(read, datetime) and read > _LONG_AGO:
        return NOW
    return (read, value.exclude_from_indexes)
