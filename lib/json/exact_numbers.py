"""JSON that keeps every digit of its numbers until they are decoded to a type.

A float keeps 17 digits. A number that would lose digits stays in its written form, so that a
Decimal gets all of them. Values that could not be read back are refused.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from math import isfinite
from typing import Any

import msgspec

#: The maximum nesting of a value; the reader's stack needs some room too.
MAX_NESTING = 100

_CONTAINERS = (dict, list, tuple, set, frozenset)

#: Types whose subclasses, such as numpy's float64, are converted, and how.
_PLAIN: dict[type, Any] = {str: str.__str__, int: int.__int__, float: float.__float__}

#: Types that msgspec writes as values, but not as keys.
_ONLY_AS_KEYS = (bool, tuple, frozenset, type(None))


class ExactNumber(Decimal):
    """A JSON number that a float would round."""


def read_number(literal: str) -> float | ExactNumber:
    """Return a JSON number that is not an integer, as msgspec's `float_hook`.

    `encode_exact` writes equal numbers as equal texts. Raises ValidationError for a number that is
    too large for a float, as msgspec does without the hook.
    """
    number = float(literal)
    if not isfinite(number):
        raise msgspec.ValidationError("Number out of range")
    written = Decimal(literal)
    if Decimal(repr(number)) == written:
        return number
    digits = len(written.as_tuple().digits)
    return ExactNumber(written.normalize(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)))


def encode_canonical(value: Any) -> bytes:
    """Return a value as JSON, the same for equal values. Raises as `encode_exact` does."""
    written, exact = _encode(value), (ExactNumber,)
    plain = msgspec.to_builtins(value, str_keys=True, builtin_types=exact, enc_hook=_write_other)
    encoded = encode_exact(plain, order="sorted")
    if len(written) != len(encoded):
        _check_keys(written)
    return encoded


def encode_exact(value: Any, *, order: Any = None) -> bytes:
    """Return a value as JSON, with all digits of exact numbers.

    Raises TypeError for a value without a JSON form, and ValueError for one that could not be read
    back: NaN, infinity, more than 100 levels of nesting, text that is not Unicode, raw text that is
    not JSON, and a dict with two keys that are the same in JSON.
    """
    encoded = _encode(value, order)
    try:
        decoded = msgspec.json.decode(encoded)
    except msgspec.DecodeError as problem:
        raise ValueError(f"its raw text is not JSON: {problem}") from problem
    if encoded.count(b"[") + encoded.count(b"{") > MAX_NESTING and is_too_deep(decoded):
        raise ValueError(f"it is nested more than {MAX_NESTING} levels deep")
    if b"null" in encoded:
        _check_finite(value)
    if len(msgspec.json.encode(decoded)) != len(encoded):
        _check_keys(encoded)
    return encoded


def _encode(value: Any, order: Any = None) -> bytes:
    try:
        return msgspec.json.encode(value, order=order, enc_hook=_write_other)
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_NESTING} levels deep") from None
    except UnicodeEncodeError:
        raise ValueError("a text in it has an unpaired surrogate, as file names may") from None


def is_too_deep(decoded: Any) -> bool:
    """Return whether plain JSON data is nested more than MAX_NESTING levels deep."""
    level = [decoded]
    for _ in range(MAX_NESTING):
        level = [inner for each in level for inner in _items_of(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _check_keys(encoded: bytes) -> None:
    """Raise ValueError if an object has a key twice, because its reader would lose a member."""
    json.loads(encoded, object_pairs_hook=_check_pairs, parse_int=len, parse_float=len)


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("two keys of one dict are the same key in JSON, such as 1 and '1'")


def _check_finite(value: Any) -> None:
    """Raise ValueError for a number that msgspec writes as null."""
    level = [value]
    while level:
        if any(isinstance(each, float) and not isfinite(each) for each in level):
            raise ValueError("NaN and infinity are not JSON numbers")
        level = [inner for each in level for inner in _items_of(each)]


def _items_of(value: Any) -> Iterable[Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name, None) for each in fields(value)]
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name, None) for name in value.__struct_fields__]
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, _CONTAINERS) else ()


def _write_other(value: object) -> Any:
    """Return the plain form of a value that msgspec does not know; raise TypeError for none."""
    if isinstance(value, ExactNumber):
        return msgspec.Raw(str(value).encode())
    name = type(value).__name__
    if isinstance(value, _ONLY_AS_KEYS):
        raise TypeError(f"a {name} cannot be the key of a dict in JSON: write str(key)")
    for plain, convert in _PLAIN.items():
        if isinstance(value, plain):
            return convert(value)
    raise TypeError(f"a {name} has no form in JSON: use text, numbers, lists or dicts")
