"""Plain data to typed data: what does not fit becomes an Invalid that names the field."""

import re
from typing import Any, TypeVar

import msgspec

from lib.errors import Invalid, Malformed

T = TypeVar("T")

#: What msgspec raises for text that is not JSON, or not UTF-8, or nested too deeply.
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_AT_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `\$?\.?(?P<path>.*)`)?\Z", re.DOTALL)
_NAMED = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`")


def decode_json(raw: bytes, kind: type[T]) -> T:
    """Decode JSON into a type; Malformed when it is not JSON, Invalid when it does not fit."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as problem:
        _check_syntax(raw)
        raise _invalid(problem, "") from None
    except BROKEN as problem:
        raise Malformed(f"the body is not JSON: {problem}") from None


def convert(plain: Any, kind: type[T], *, field: str = "", strict: bool = True) -> T:
    """Convert plain data into a type; Invalid, its field below `field`, when it does not fit.

    With `strict` off, text may stand for numbers and truth values, as in a query string.
    """
    try:
        return msgspec.convert(plain, kind, strict=strict, str_keys=True)
    except msgspec.ValidationError as problem:
        raise _invalid(problem, field) from None


def _check_syntax(raw: bytes) -> None:
    """Raise Malformed for what is broken behind the place where it stopped to fit."""
    try:
        msgspec.json.decode(raw)
    except BROKEN as problem:
        raise Malformed(f"the body is not JSON: {problem}") from None


def _invalid(problem: msgspec.ValidationError, field: str) -> Invalid:
    parts = _AT_PATH.match(str(problem))
    text, path = (parts["problem"], parts["path"]) if parts else (str(problem), None)
    named = _NAMED.search(text)
    names = [name for name in (field, path, named["name"] if named else None) if name]
    return Invalid(text, field=".".join(names) or None)
