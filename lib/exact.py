"""JSON numbers to their last digit, on the way through data whose type nobody knows yet.

A float keeps 17 digits. What would lose some is kept as it was written, until it is decoded into a
type: a Decimal then has every digit.
"""

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from math import isfinite
from typing import Any

import msgspec


class ExactNumber(Decimal):
    """A number out of JSON that a float would round."""


def read_number(literal: str) -> float | ExactNumber:
    """Return a JSON number that is no integer; a `float_hook` of msgspec.

    Equal numbers are equal texts again when `encode_exact` writes them. Raises ValidationError
    for what is beyond a float, as msgspec does without the hook.
    """
    number = float(literal)
    if not isfinite(number):
        raise msgspec.ValidationError("Number out of range")
    written = Decimal(literal)
    if Decimal(repr(number)) == written:
        return number
    digits = len(written.as_tuple().digits)
    return ExactNumber(written.normalize(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)))


def to_plain(value: Any) -> Any:
    """Return a value as plain JSON data in which exact numbers stay; raises TypeError."""
    return msgspec.to_builtins(value, str_keys=True, builtin_types=(ExactNumber,))


def encode_exact(value: Any, *, order: Any = None) -> bytes:
    """Return a value as JSON, an exact number with all of its digits; raises TypeError."""
    return msgspec.json.encode(value, order=order, enc_hook=_write_number)


def _write_number(value: object) -> msgspec.Raw:
    if isinstance(value, ExactNumber):
        return msgspec.Raw(str(value).encode())
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")
