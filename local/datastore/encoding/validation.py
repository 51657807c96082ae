"""Validation of names and keys: what the service refuses with INVALID_ARGUMENT, and its limits."""

import re

from local.datastore.encoding.messages import Key
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


def is_reserved(name: str) -> bool:
    """Tell whether a name is reserved for the service."""
    return _RESERVED.fullmatch(name) is not None


def check_name(name: str, what: str, *, reserved: bool = False) -> None:
    """Refuse a kind, key name or property name that is empty, too long, or reserved."""
    if not name:
        raise InvalidArgument(f"The {what} is the empty string.")
    if len(name) * 4 > MAX_NAME_BYTES and len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidArgument(f"The {what} is longer than {MAX_NAME_BYTES} bytes.")
    if not reserved and name.startswith("__") and is_reserved(name):
        raise InvalidArgument(f'The {what} "{name}" is reserved.')


def check_path(key: Key, *, reserved: bool = False) -> None:
    """Refuse a key with a malformed path; only its last element may be incomplete."""
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
    for element in path[:-1] if len(path) > 1 else ():
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
