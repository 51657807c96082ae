"""Decodes JSON and plain data to typed data; an Invalid lists everything that does not fit."""

from typing import Any, TypeVar

import msgspec

from lib.errors import FieldError, Invalid, Malformed
from lib.json.exact_numbers import read_number
from lib.json.faults import find_faults
from lib.json.text_faults import find_half_character, find_repeated

T = TypeVar("T")

#: The maximum number of faults in an error's text; its list has more.
MAX_LISTED = 3

#: The exceptions of msgspec for text that is not JSON, not UTF-8, or nested too deeply.
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_json(raw: bytes, kind: type[T]) -> T:
    """Decode JSON into a type; raise Malformed if it is not JSON, Invalid if it does not fit.

    Where the type is Any, a number that a float would round becomes an ExactNumber.
    """
    try:
        return msgspec.json.Decoder(kind, float_hook=read_number).decode(raw)
    except msgspec.ValidationError as problem:
        raise _invalid(_decode_plain(raw), kind, problem) from None
    except BROKEN as problem:
        raise _malformed(raw, problem) from None


def decode_body(raw: bytes, kind: type[T]) -> T:
    """Decode a caller's body as `decode_json` does; raise Malformed for a repeated member, too.

    If two members have the same name, a proxy in front may have checked the other one.
    """
    decoded = decode_json(raw, kind)
    if repeated := find_repeated(raw):
        raise Malformed(f"{repeated.field} {repeated.detail}", field=repeated.field)
    return decoded


def convert(plain: Any, kind: type[T], *, field: str = "", strict: bool = True) -> T:
    """Convert plain data into a type; raise Invalid, with a field under `field`, if it misfits.

    Unless `strict`, text may stand for numbers and booleans, as in a query string.
    """
    try:
        return msgspec.convert(plain, kind, strict=strict, str_keys=True)
    except msgspec.ValidationError as problem:
        raise _invalid(plain, kind, problem, field, strict=strict) from None


def _decode_plain(raw: bytes) -> Any:
    """Decode JSON; raise Malformed if the rest of the text is broken."""
    try:
        return msgspec.json.decode(raw)
    except BROKEN as problem:
        raise _malformed(raw, problem) from None


def _malformed(raw: bytes, problem: Exception) -> Malformed:
    if half := find_half_character(raw):
        return Malformed(f"{half.field} {half.detail}".strip(), field=half.field or None)
    reason = str(problem).partition(" - at `")[0]
    return Malformed(f"the body is not JSON: {reason}")


def _invalid(
    plain: Any, kind: Any, problem: Exception, field: str = "", *, strict: bool = True
) -> Invalid:
    """Return an Invalid with the first fault's field and the list of all faults."""
    prefix = (field,) if field else ()
    found = find_faults(plain, kind, strict=strict)
    faults = [FieldError((*prefix, *each.path), each.detail, each.allowed) for each in found]
    if not faults:  # convert and decode differ here: only msgspec's own text is known
        faults = [FieldError(prefix, str(problem))]
    listed = "; ".join(f"{each.field} {each.detail}".strip() for each in faults[:MAX_LISTED])
    more = f"; and {len(faults) - MAX_LISTED} more" if len(faults) > MAX_LISTED else ""
    return Invalid(listed + more, field=faults[0].field or None, faults=faults)
