"""Datastore's documented limits, and the checks that refuse a value before anything is sent.

Numbers are from the service's "Limits" page and agree with both of Google's emulators.
"""

import re

from lib.errors import Invalid

MAX_NAME_BYTES = 1500
MAX_INDEXED_BYTES = 1500
MAX_VALUE_BYTES = 1_048_487
MAX_ENTITY_BYTES = 1_048_572
MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_NESTING = 20
MAX_PATH_LENGTH = 100
INT64 = 2**63
MAX_LOOKUP_KEYS = 1000
#: Google no longer documents a maximum. It was 500 for years, which is a good size for a commit.
MAX_COMMIT_MUTATIONS = 500

_RESERVED = re.compile(r"__.*__", re.DOTALL)


def utf8_length(text: str, field: str) -> int:
    """Return the size of `text` in bytes; raise Invalid for an unpaired surrogate."""
    try:
        return len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise Invalid(f"{field} has an unpaired surrogate: not text", field=field) from None


def check_name(name: object, field: str, what: str = "a name") -> str:
    """Return the name of a key, a kind or a property; raise Invalid if Datastore refuses it."""
    if not isinstance(name, str):
        raise Invalid(f"{field} must be {what}: a str, not {type(name).__name__}", field=field)
    if not name:
        raise Invalid(f"{field} is empty", field=field)
    if utf8_length(name, field) > MAX_NAME_BYTES:
        raise Invalid(f"{field} is over {MAX_NAME_BYTES} bytes", field=field)
    if name.startswith("__") and _RESERVED.fullmatch(name):
        raise Invalid(f"{field} is reserved: Datastore uses names like __this__", field=field)
    return str(name)


def check_numeric_id(number: object, field: str) -> int:
    """Return a complete numeric id; raise Invalid unless it is from 1 to 2**63 - 1."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise Invalid(f"{field} must be an int, not {type(number).__name__}", field=field)
    if not 0 < number < INT64:
        raise Invalid(f"{field} must be from 1 to {INT64 - 1}", field=field)
    return int(number)
