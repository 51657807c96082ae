"""Validation of values in entities and filters: what the service refuses with INVALID_ARGUMENT.

It also normalizes values in place, as they are stored and compared: it truncates timestamps to
microseconds, and writes the request's project into keys.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from local.datastore.encoding.messages import Entity, Key, Value
from local.datastore.encoding.partitions import Database, complete_key
from local.datastore.encoding.validation import (
    MAX_ENTITY_BYTES,
    MAX_INDEXED_BYTES,
    MAX_NAME_BYTES,
    MAX_NESTING,
    MAX_VALUE_BYTES,
    check_complete,
    check_name,
    check_path,
)
from local.datastore.encoding.values import INDEX_VALUE
from local.rpc.errors import InvalidArgument

#: 0001-01-01 to 9999-12-31, in seconds since 1970.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
#: The meanings that clients may set, and those that only unindexed values may have.
_MEANINGS = {
    "integer_value": frozenset({13, 29, 30}),
    "string_value": frozenset({1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 17}),
    "blob_value": frozenset({16}),
    "geo_point_value": frozenset({23}),
    "entity_value": frozenset({20}),
}
_UNINDEXED_MEANINGS = {"string_value": 15, "blob_value": 22}
#: The meaning of an array that is a vector.
_VECTOR = 31


class _Place(NamedTuple):
    """A value's context: its depth, whether it is indexed, and the length of the names around it.

    A filter may contain a value that a projection has returned.
    """

    database: Database
    depth: int = 0
    indexed: bool = True
    prefix: int = 0
    compared: bool = False


def check_entity(entity: Entity, database: Database) -> None:
    """Refuse an entity with an invalid name, value, depth or size."""
    _check_properties(entity.properties, _Place(database))
    if entity.ByteSize() > MAX_ENTITY_BYTES:
        raise InvalidArgument(
            f"The entity is larger than {MAX_ENTITY_BYTES} bytes: {entity.ByteSize()}."
        )


def check_element(name: str, value: Value, database: Database) -> None:
    """Refuse a value that cannot be an element of an array, indexed or not."""
    which = value.WhichOneof("value_type")
    _check_value(name, value, which, _Place(database, indexed=False))


def check_operand(name: str, value: Value, database: Database) -> None:
    """Refuse a value that cannot be indexed, and so cannot be in a filter."""
    if value.exclude_from_indexes:
        raise InvalidArgument(f'The filter value of property "{name}" must be indexed.')
    which = value.WhichOneof("value_type")
    if which == "entity_value":
        raise InvalidArgument("An entity value is not allowed.")
    if which == "array_value":
        raise InvalidArgument("An array value is not allowed.")
    _check_value(name, value, which, _Place(database, compared=True))


def _check_properties(properties: Any, place: _Place) -> None:
    if place.depth > MAX_NESTING:
        raise InvalidArgument(f"Entities are nested more than {MAX_NESTING} deep.")
    # Iterating over names is twice as fast as items() of a message map.
    for name in properties:
        value = properties[name]
        check_name(name, "property name")
        if place.prefix and place.prefix + len(name.encode()) > MAX_NAME_BYTES:
            raise InvalidArgument(
                f"The property names around {name[:40]} are longer than {MAX_NAME_BYTES} bytes."
            )
        which = value.WhichOneof("value_type")
        if which == "array_value":
            _check_array(name, value, place)
        else:
            _check_value(name, value, which, place)


def _check_array(name: str, value: Any, place: _Place) -> None:
    elements: Sequence[Any] = value.array_value.values
    if value.meaning == _VECTOR:
        _check_vector(name, value, elements)
    elif value.exclude_from_indexes:
        raise InvalidArgument(
            f"list_value cannot have exclude_from_indexes set to true: property {name}"
        )
    elif value.meaning:
        raise InvalidArgument(f"list_value cannot specify a meaning: property {name}")
    for element in elements:
        which = element.WhichOneof("value_type")
        if which == "array_value":
            raise InvalidArgument(
                f"list_value cannot contain a Value containing another list_value: property {name}"
            )
        _check_value(name, element, which, place)


def _check_vector(name: str, value: Any, elements: Sequence[Any]) -> None:
    numeric = bool(elements) and all(one.HasField("double_value") for one in elements)
    if not value.exclude_from_indexes or not numeric:
        raise InvalidArgument(f"A vector has doubles, and no index of its own: property {name}")


def _check_meaning(name: str, value: Any, which: str, place: _Place) -> None:
    meaning = value.meaning
    if meaning in _MEANINGS.get(which, ()) or (place.compared and meaning == INDEX_VALUE):
        return
    if not (value.exclude_from_indexes and meaning == _UNINDEXED_MEANINGS.get(which)):
        raise InvalidArgument(f'The value of property "{name}" cannot have meaning {meaning}.')


def _check_value(name: str, value: Any, which: str | None, place: _Place) -> None:
    if which == "string_value":
        indexed = place.indexed and not value.exclude_from_indexes
        _check_length(name, len(value.string_value.encode()), indexed=indexed)
    elif which == "blob_value":
        indexed = place.indexed and not value.exclude_from_indexes
        _check_length(name, len(value.blob_value), indexed=indexed)
    elif which == "entity_value":
        indexed = place.indexed and not value.exclude_from_indexes
        _check_embedded(name, value.entity_value, place._replace(indexed=indexed))
    elif which == "timestamp_value":
        _check_timestamp(name, value.timestamp_value)
    elif which == "geo_point_value":
        _check_point(name, value.geo_point_value)
    elif which == "key_value":
        _check_key(value.key_value, place.database)
        check_complete(value.key_value)
    elif which is None:
        raise InvalidArgument(f'The value of property "{name}" does not contain a value.')
    if value.meaning:
        _check_meaning(name, value, which, place)


def _check_embedded(name: str, entity: Entity, place: _Place) -> None:
    if entity.HasField("key"):
        _check_key(entity.key, place.database)
    deeper = place.depth + 1
    prefix = place.prefix + len(name.encode()) + 1
    _check_properties(entity.properties, place._replace(depth=deeper, prefix=prefix))


def _check_key(key: Key, database: Database) -> None:
    check_path(key, reserved=True)
    complete_key(key, database)


def _check_length(name: str, length: int, *, indexed: bool) -> None:
    limit = MAX_INDEXED_BYTES if indexed else MAX_VALUE_BYTES
    if length > limit:
        raise InvalidArgument(f'The value of property "{name}" is longer than {limit} bytes.')


def _check_timestamp(name: str, timestamp: Any) -> None:
    if not _FIRST_SECOND <= timestamp.seconds <= _LAST_SECOND or not (
        0 <= timestamp.nanos < 1_000_000_000
    ):
        raise InvalidArgument(f'The timestamp of property "{name}" is out of range.')
    timestamp.nanos -= timestamp.nanos % 1000


def _check_point(name: str, point: Any) -> None:
    # This form also refuses NaN.
    if not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):
        raise InvalidArgument(f'The geographical point of property "{name}" is out of range.')
