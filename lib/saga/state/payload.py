"""Payloads: checked against their type, and stored as canonical JSON."""

from typing import Any

import msgspec

from lib.errors import Invalid, TooLarge
from lib.json.decoder import convert
from lib.json.exact_numbers import encode_canonical
from lib.observability.logs import log
from lib.observability.stack_traces import describe_stack
from lib.saga.author_code.containment import contain
from lib.saga.definition.context import Permanent
from lib.saga.state.limits import MAX_PAYLOAD


def canonical_payload(
    payload: Any, kind: Any, *, limit: int = MAX_PAYLOAD, field: str = "payload"
) -> str:
    """Return a payload as canonical JSON: equal payloads give the same text.

    Raises Invalid, which names the field that does not fit `kind`, or TooLarge over `limit` bytes.
    """
    try:
        encoded = encode_canonical(payload)
        _check(encoded, kind, field)
    except (TypeError, ValueError, OverflowError, RecursionError) as problem:
        raise Invalid(f"the {field} is not JSON: {problem}", field=field) from problem
    if len(encoded) > limit:
        raise TooLarge(f"the {field} has {len(encoded)} bytes; the limit is {limit}")
    return encoded.decode()


def _check(encoded: bytes, kind: Any, field: str) -> None:
    """Decode a payload as its steps will: an untyped decode would round large numbers."""
    try:
        contain(lambda: msgspec.json.decode(encoded, type=kind))
    except msgspec.ValidationError as problem:
        convert(msgspec.json.decode(encoded), kind, field=field)
        raise Invalid(f"the {field} does not fit: {problem}", field=field) from None
    except Exception as problem:  # an author's `__post_init__` may raise anything: AssertionError
        log("WARNING", "a type rejects a value, but raises no ValueError",
            stack=describe_stack(problem))  # fmt: skip
        error = type(problem).__name__
        raise Invalid(f"the type of the {field} rejects it: {error}", field=field) from problem


def is_same_payload(one: str, other: str, kind: Any) -> bool:
    """Return whether two stored payloads are equal, as text or as values of `kind`.

    A payload stored before a field with a default was added equals a new one without that field.
    """
    if one == other:
        return True
    try:
        return contain(lambda: _recode(one, kind) == _recode(other, kind))
    except Exception:  # one has another type, or an author's own check raises something
        return False


def _recode(encoded: str, kind: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(encoded, type=kind), order="sorted")


def decode_payload(encoded: str, kind: type) -> Any:
    """Decode a stored payload as `kind`; raise Permanent if it no longer fits."""
    try:
        return msgspec.json.decode(encoded, type=kind)
    except msgspec.ValidationError as problem:
        raise Permanent(f"the stored payload no longer fits its type: {problem}") from problem
