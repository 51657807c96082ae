"""A saga's payload on its way in and out: checked by its type, kept as canonical JSON."""

from typing import Any

import msgspec

from lib.decoding import convert
from lib.errors import Invalid, TooLarge
from lib.saga.call import Permanent

#: A payload is kept in the saga's entity, which Datastore limits to 1 MiB as a whole.
LARGEST_PAYLOAD = 512 * 1024


def canonical_payload(payload: Any, kind: type) -> str:
    """Return a payload as the JSON that equal payloads share.

    Raises Invalid naming the field that does not fit `kind`, or TooLarge.
    """
    try:
        plain = msgspec.to_builtins(payload)
        convert(plain, kind, field="payload")
        encoded = msgspec.json.encode(plain, order="sorted")
    except (TypeError, ValueError, OverflowError) as problem:
        raise Invalid(f"the payload is not JSON: {problem}", field="payload") from problem
    if len(encoded) > LARGEST_PAYLOAD:
        raise TooLarge(f"the payload has {len(encoded)} bytes; the limit is {LARGEST_PAYLOAD}")
    return encoded.decode()


def stored_payload(encoded: str, kind: type) -> Any:
    """Return a payload as the type that its steps take; Permanent when the type has changed."""
    try:
        return msgspec.json.decode(encoded, type=kind)
    except msgspec.ValidationError as problem:
        raise Permanent(f"the stored payload no longer fits its type: {problem}") from problem
