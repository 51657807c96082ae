"""Keys as bytes that sort as in the service: by path, element by element, ids before names.

An encoded path ends with ``END``. Without it, it is the common prefix of an entity and all its
descendants. Kinds and names compare as UTF-8.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from local.datastore.encoding.messages import Key
from local.datastore.encoding.ordered import decode_bytes, decode_int, encode_bytes, encode_int

END = b"\x01"
_ELEMENT = b"\x02"
_ID = b"\x01"
_NAME = b"\x02"


class Partition(NamedTuple):
    """The partition of a key: project, database ("" is the default) and namespace."""

    project: str
    database: str
    namespace: str


def encode_prefix(elements: Iterable[Any]) -> bytes:
    """Encode complete path elements without ``END``: the prefix of the key and its descendants."""
    parts = []
    for element in elements:
        parts.append(_ELEMENT + encode_bytes(element.kind.encode()))
        if element.name:
            parts.append(_NAME + encode_bytes(element.name.encode()))
        else:
            parts.append(_ID + encode_int(element.id))
    return b"".join(parts)


def encode_path(elements: Iterable[Any]) -> bytes:
    """Encode a complete path."""
    return encode_prefix(elements) + END


def find_ends(path: bytes) -> list[int]:
    """Return the offset after each element of an encoded path, from the root on."""
    ends, at = [], 0
    while path[at : at + 1] == _ELEMENT:
        at = path.index(b"\x00\x01", at) + 2
        at = at + 9 if path[at : at + 1] == _ID else path.index(b"\x00\x01", at) + 2
        ends.append(at)
    return ends


def list_ancestors(path: bytes) -> list[bytes]:
    """Return the encoded paths of an entity's ancestors, from the root to the entity itself."""
    return [path[:end] + END for end in find_ends(path)]


def decode_path(encoded: bytes, start: int, key: Key) -> int:
    """Decode the path at ``start`` into ``key``; return the offset after it."""
    at = start
    while encoded[at : at + 1] == _ELEMENT:
        kind, at = decode_bytes(encoded, at + 1)
        if encoded[at : at + 1] == _ID:
            key.path.add(kind=kind.decode(), id=decode_int(encoded, at + 1))
            at += 9
        else:
            name, at = decode_bytes(encoded, at + 1)
            key.path.add(kind=kind.decode(), name=name.decode())
    return at + 1


def set_partition(key: Key, partition: Partition) -> None:
    """Write the full partition into a key, as responses contain it."""
    key.partition_id.project_id = partition.project
    key.partition_id.database_id = partition.database
    key.partition_id.namespace_id = partition.namespace
