"""What the service refuses as INVALID_ARGUMENT in keys and entities, and its documented limits."""

import re
from collections.abc import Iterable
from typing import Any

from local.datastore.messages import Entity, Key
from local.rpc.errors import InvalidArgument

MAX_NAME_BYTES = 1500
MAX_PATH_ELEMENTS = 100
MAX_KEY_BYTES = 6 * 1024
MAX_INDEXED_BYTES = 1500
MAX_VALUE_BYTES = 1_048_487
MAX_ENTITY_BYTES = 1_048_572
MAX_NESTING = 20
MAX_LOOKUP_KEYS = 1000
MAX_REQUEST_BYTES = 10 * 1024 * 1024

_RESERVED = re.compile(r"__.*__", re.DOTALL)
_PARTITION = re.compile(r"[A-Za-z\d.\-_]{0,100}")
#: 0001-01-01 to 9999-12-31, in seconds since 1970.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


def is_reserved(name: str) -> bool:
    """Tell whether a name is one that only the service itself may use."""
    return _RESERVED.fullmatch(name) is not None


def check_name(name: str, what: str, *, reserved: bool = False) -> None:
    """Refuse an empty, over-long or (unless allowed) reserved kind, key name or property name."""
    if not name:
        raise InvalidArgument(f"The {what} is the empty string.")
    if len(name) * 4 > MAX_NAME_BYTES and len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidArgument(f"The {what} is longer than {MAX_NAME_BYTES} bytes.")
    if not reserved and name.startswith("__") and is_reserved(name):
        raise InvalidArgument(f'The {what} "{name}" is reserved.')


def check_namespace(namespace: str) -> None:
    """Refuse a namespace with characters that no namespace may have."""
    if not _PARTITION.fullmatch(namespace):
        raise InvalidArgument(f'The namespace "{namespace}" does not match {_PARTITION.pattern}.')


def check_path(key: Key, *, reserved: bool = False) -> None:
    """Refuse a key whose path is not well formed; only its last element may be incomplete."""
    path = key.path
    if not path:
        raise InvalidArgument("The key path is empty.")
    if len(path) > MAX_PATH_ELEMENTS:
        raise InvalidArgument(f"The key path has more than {MAX_PATH_ELEMENTS} elements.")
    for element in path:
        check_name(element.kind, "kind", reserved=reserved)
        which = element.WhichOneof("id_type")
        if which == "name":
            check_name(element.name, "key name", reserved=reserved)
        elif which == "id" and element.id == 0:
            raise InvalidArgument("The key id is zero.")
    for element in path[:-1]:
        if element.WhichOneof("id_type") is None:
            raise InvalidArgument(f"The ancestor of kind {element.kind} has no id or name.")
    if key.ByteSize() > MAX_KEY_BYTES:
        raise InvalidArgument(f"The key is larger than {MAX_KEY_BYTES} bytes.")


def is_complete(key: Key) -> bool:
    """Tell whether the last element of a key has an id or a name."""
    return key.path[-1].WhichOneof("id_type") is not None


def check_complete(key: Key) -> None:
    """Refuse an incomplete key."""
    if not is_complete(key):
        raise InvalidArgument(f"Key path element must not be incomplete: [{key.path[-1].kind}: ]")


def check_entity(entity: Entity) -> None:
    """Refuse an entity with a name, value, depth or size out of bounds.

    Timestamps are cut to microseconds in place, as the service stores them.
    """
    _check_properties(entity.properties, depth=0, indexed=True)
    if entity.ByteSize() > MAX_ENTITY_BYTES:
        raise InvalidArgument(
            f"The entity is larger than {MAX_ENTITY_BYTES} bytes: {entity.ByteSize()}."
        )


def _check_properties(properties: Any, *, depth: int, indexed: bool) -> None:
    if depth > MAX_NESTING:
        raise InvalidArgument(f"Entities are nested more than {MAX_NESTING} deep.")
    # By names and not by items(), which costs a message map twice as much.
    for name in properties:
        value = properties[name]
        check_name(name, "property name")
        if value.WhichOneof("value_type") == "array_value":
            if value.exclude_from_indexes or value.meaning:
                _check_array_marks(name, value)
            _check_array(name, value.array_value.values, depth=depth, indexed=indexed)
        else:
            _check_value(name, value, depth=depth, indexed=indexed)


def _check_array_marks(name: str, value: Any) -> None:
    if value.exclude_from_indexes:
        raise InvalidArgument(
            f"list_value cannot have exclude_from_indexes set to true: property {name}"
        )


def _check_array(name: str, values: Iterable[Any], *, depth: int, indexed: bool) -> None:
    for element in values:
        if element.HasField("array_value"):
            raise InvalidArgument(
                f"list_value cannot contain a Value containing another list_value: property {name}"
            )
        _check_value(name, element, depth=depth, indexed=indexed)


def _check_value(name: str, value: Any, *, depth: int, indexed: bool) -> None:
    which = value.WhichOneof("value_type")
    indexed = indexed and not value.exclude_from_indexes
    if which == "string_value":
        _check_length(name, len(value.string_value.encode()), indexed=indexed)
    elif which == "blob_value":
        _check_length(name, len(value.blob_value), indexed=indexed)
    elif which == "entity_value":
        _check_properties(value.entity_value.properties, depth=depth + 1, indexed=indexed)
    elif which == "timestamp_value":
        check_timestamp(name, value.timestamp_value)
    elif which == "geo_point_value":
        _check_point(name, value.geo_point_value)
    elif which == "key_value":
        check_path(value.key_value, reserved=True)
        check_complete(value.key_value)


def _check_length(name: str, length: int, *, indexed: bool) -> None:
    if indexed and length > MAX_INDEXED_BYTES:
        raise InvalidArgument(
            f'The value of property "{name}" is longer than {MAX_INDEXED_BYTES} bytes.'
        )
    if length > MAX_VALUE_BYTES:
        raise InvalidArgument(
            f'The value of property "{name}" is longer than {MAX_VALUE_BYTES} bytes.'
        )


def check_timestamp(name: str, timestamp: Any) -> None:
    """Refuse a timestamp out of range, and cut it to microseconds in place."""
    if not _FIRST_SECOND <= timestamp.seconds <= _LAST_SECOND or not (
        0 <= timestamp.nanos < 1_000_000_000
    ):
        raise InvalidArgument(f'The timestamp of property "{name}" is out of range.')
    timestamp.nanos -= timestamp.nanos % 1000


def _check_point(name: str, point: Any) -> None:
    # Written so that NaN is refused, too.
    if not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):
        raise InvalidArgument(f'The geographical point of property "{name}" is out of range.')
