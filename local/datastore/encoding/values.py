"""Property values as bytes in index entries, sorted across types as in the service.

null < integer, timestamp < boolean < bytes, string < double < geographical point < key. A timestamp
is encoded as its microseconds since 1970 and a string as its UTF-8, so they equal an integer or
bytes with that content; but 3 does not equal 3.0.
"""

from collections.abc import Callable
from typing import Any

from local.datastore.encoding.keys import decode_path, encode_path
from local.datastore.encoding.messages import Value
from local.datastore.encoding.ordered import (
    decode_bytes,
    decode_double,
    decode_int,
    encode_bytes,
    encode_double,
    encode_int,
)

#: The ``Value.meaning`` that the service gives to a value from an index.
INDEX_VALUE = 18

_NULL, _INT, _BOOL, _TEXT, _DOUBLE, _GEO, _KEY = (bytes([tag]) for tag in range(0x10, 0x80, 0x10))


def _encode_time(time: Any) -> bytes:
    return encode_int(time.seconds * 1_000_000 + time.nanos // 1000)


def _encode_key(key: Any) -> bytes:
    partition = key.partition_id
    where = (partition.project_id, partition.database_id, partition.namespace_id)
    return b"".join(encode_bytes(part.encode()) for part in where) + encode_path(key.path)


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "null_value": lambda _: _NULL,
    "integer_value": lambda number: _INT + encode_int(number),
    "timestamp_value": lambda time: _INT + _encode_time(time),
    "boolean_value": lambda flag: _BOOL + (b"\x01" if flag else b"\x00"),
    "blob_value": lambda data: _TEXT + encode_bytes(data),
    "string_value": lambda text: _TEXT + encode_bytes(text.encode()),
    "double_value": lambda number: _DOUBLE + encode_double(number),
    "geo_point_value": lambda point: (
        _GEO + encode_double(point.latitude) + encode_double(point.longitude)
    ),
    "key_value": lambda key: _KEY + _encode_key(key),
}


def encode_value(value: Value) -> bytes | None:
    """Encode one value; None if it cannot be indexed (an entity, an array)."""
    kind = value.WhichOneof("value_type")
    if kind is None:
        return _NULL
    encode = _ENCODERS.get(kind)
    return encode(getattr(value, kind)) if encode else None


#: The names of value types in ``__property__``.
_REPRESENTATIONS = {
    _NULL: "NULL",
    _INT: "INT64",
    _BOOL: "BOOLEAN",
    _TEXT: "STRING",
    _DOUBLE: "DOUBLE",
    _GEO: "POINT",
    _KEY: "REFERENCE",
}


def decode_number(encoded: bytes) -> int | float | None:
    """Return the number in an encoded value (a timestamp's microseconds); None for other types."""
    tag = encoded[:1]
    if tag == _INT:
        return decode_int(encoded, 1)
    return decode_double(encoded, 1) if tag == _DOUBLE else None


def list_representations(seek: Callable[[bytes], bytes | None]) -> list[str]:
    """Return the types of the values in an index; ``seek`` finds the first value from a bound."""
    found = []
    for tag, name in _REPRESENTATIONS.items():
        first = seek(tag)
        if first is not None and first[:1] == tag:
            found.append(name)
    return found


def find_end(encoded: bytes, start: int) -> int:
    """Return the offset after the value at ``start``."""
    tag = encoded[start : start + 1]
    if tag == _NULL:
        return start + 1
    if tag == _BOOL:
        return start + 2
    if tag == _TEXT:
        return encoded.index(b"\x00\x01", start) + 2
    if tag == _GEO:
        return start + 17
    if tag == _KEY:
        return decode_value(encoded, start, Value())
    return start + 9


def decode_value(encoded: bytes, start: int, value: Value) -> int:
    """Decode a value as a projection returns it; return the offset after it.

    As in the service, a timestamp becomes an integer of microseconds and bytes become a string;
    bytes that are not UTF-8 stay bytes.
    """
    value.meaning = INDEX_VALUE
    return _DECODERS[encoded[start : start + 1]](encoded, start + 1, value)


def _decode_null(_encoded: bytes, at: int, value: Value) -> int:
    value.null_value = 0
    return at


def _decode_integer(encoded: bytes, at: int, value: Value) -> int:
    value.integer_value = decode_int(encoded, at)
    return at + 8


def _decode_boolean(encoded: bytes, at: int, value: Value) -> int:
    value.boolean_value = encoded[at] == 1
    return at + 1


def _decode_text(encoded: bytes, at: int, value: Value) -> int:
    data, end = decode_bytes(encoded, at)
    try:
        value.string_value = data.decode()
    except UnicodeDecodeError:
        value.blob_value = data
    return end


def _decode_double(encoded: bytes, at: int, value: Value) -> int:
    value.double_value = decode_double(encoded, at)
    return at + 8


def _decode_point(encoded: bytes, at: int, value: Value) -> int:
    value.geo_point_value.latitude = decode_double(encoded, at)
    value.geo_point_value.longitude = decode_double(encoded, at + 8)
    return at + 16


def _decode_key(encoded: bytes, at: int, value: Value) -> int:
    partition = value.key_value.partition_id
    for field in ("project_id", "database_id", "namespace_id"):
        text, at = decode_bytes(encoded, at)
        setattr(partition, field, text.decode())
    return decode_path(encoded, at, value.key_value)


_DECODERS: dict[bytes, Callable[[bytes, int, Value], int]] = {
    _NULL: _decode_null,
    _INT: _decode_integer,
    _BOOL: _decode_boolean,
    _TEXT: _decode_text,
    _DOUBLE: _decode_double,
    _GEO: _decode_point,
    _KEY: _decode_key,
}
