"""JSON that keeps every digit of its numbers until they are decoded to a type.

A float keeps 17 digits. A number that would lose digits is kept in its written form, so that a
Decimal gets all of them. Values that could not be read back are refused.
"""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from math import isfinite
from typing import Any

import msgspec

#: How deep a value may be nested; the reader's stack needs some room too.
MAX_NESTING = 100

_CONTAINERS = (dict, list, tuple, set, frozenset)


class ExactNumber(Decimal):
    """A JSON number that a float would round."""


def read_number(literal: str) -> float | ExactNumber:
    """Return a JSON number that is not an integer, as msgspec's `float_hook`.

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
    """Return a value as plain JSON data with exact numbers; raises TypeError."""
    exact = (ExactNumber,)
    return msgspec.to_builtins(value, str_keys=True, builtin_types=exact, enc_hook=_write_number)


def encode_exact(value: Any, *, order: Any = None) -> bytes:
    """Return a value as JSON, an exact number with all of its digits.

    Raises TypeError for a value without a JSON form, and ValueError for one that could not be read
    back: NaN, infinity, more than 100 levels of nesting, raw text that is not JSON.
    """
    encoded = msgspec.json.encode(value, order=order, enc_hook=_write_number)
    try:
        decoded = msgspec.json.decode(encoded)
    except msgspec.DecodeError as problem:
        raise ValueError(f"its raw text is no JSON: {problem}") from problem
    if encoded.count(b"[") + encoded.count(b"{") > MAX_NESTING and is_too_deep(decoded):
        raise ValueError(f"it is nested more than {MAX_NESTING} levels deep")
    if b"null" in encoded:
        _check_finite(value)
    return encoded


def is_too_deep(decoded: Any) -> bool:
    """Return whether plain JSON data is nested more than MAX_NESTING levels deep."""
    level = [decoded]
    for _ in range(MAX_NESTING):
        level = [inner for each in level for inner in _items_of(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _check_finite(value: Any) -> None:
    """Raise ValueError for a number that msgspec writes as null."""
    level = [value]
    while level:
        if any(isinstance(each, float) and not isfinite(each) for each in level):
            raise ValueError("NaN and infinity are no numbers of JSON")
        level = [inner for each in level for inner in _items_of(each)]


def _items_of(value: Any) -> Iterable[Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name, None) for each in fields(value)]
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name, None) for name in value.__struct_fields__]
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, _CONTAINERS) else ()


def _write_number(value: object) -> msgspec.Raw:
    """Write an exact number with all of its digits."""
    if isinstance(value, ExactNumber):
        return msgspec.Raw(str(value).encode())
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")
