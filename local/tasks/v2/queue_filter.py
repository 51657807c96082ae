"""The filters of ListQueues: comparisons of a queue's fields, with AND, OR, NOT and parentheses.

As in Google's other filters, OR binds tighter than AND, and AND is optional. Text is compared
case-insensitively; ``:`` finds a substring.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from local.rpc.errors import InvalidArgument
from local.tasks.v2.messages import Queue

#: Tells whether a queue matches.
Wanted = Callable[[Any], bool]

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(<=|>=|!=|[<>=:()])|([^\s"<>=!:()]+))')
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda held, given: bool(held == given),
    "!=": lambda held, given: bool(held != given),
    "<": lambda held, given: bool(held < given),
    "<=": lambda held, given: bool(held <= given),
    ">": lambda held, given: bool(held > given),
    ">=": lambda held, given: bool(held >= given),
    ":": lambda held, given: given in held if isinstance(held, str) else bool(held == given),
}
_MAX_LENGTH = 2000
_MAX_DEPTH = 20


def parse_filter(text: str) -> Wanted:
    """Return a filter's predicate; an empty filter matches every queue.

    Raises InvalidArgument if the filter is malformed.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidArgument(f"The filter must not be longer than {_MAX_LENGTH} characters.")
    tokens = _split(text)
    if not tokens:
        return lambda _: True
    reader = _Reader(tokens)
    wanted = reader.read_all()
    reader.expect_end()
    return wanted


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._depth = 0

    def read_all(self) -> Wanted:
        parts = [self._read_any()]
        while self._tokens and self._tokens[0] != ")":
            self._accept("AND")
            parts.append(self._read_any())
        return lambda queue: all(part(queue) for part in parts)

    def expect_end(self) -> None:
        if self._tokens:
            raise _fail(self._tokens[0])

    def _read_any(self) -> Wanted:
        parts = [self._read_one()]
        while self._accept("OR"):
            parts.append(self._read_one())
        return lambda queue: any(part(queue) for part in parts)

    def _read_one(self) -> Wanted:
        if self._accept("NOT"):
            unwanted = self._read_one()
            return lambda queue: not unwanted(queue)
        if not self._accept("("):
            return _compare(self._next(), self._next(), self._next())
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise InvalidArgument("The filter has too many nested parentheses.")
        inside = self.read_all()
        if self._next() != ")":
            raise InvalidArgument("The filter lacks a closing parenthesis.")
        self._depth -= 1
        return inside

    def _accept(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        del self._tokens[0]
        return True

    def _next(self) -> str:
        if not self._tokens:
            raise InvalidArgument("The filter ends too early.")
        return self._tokens.pop(0)


def _split(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _fail(text[at:])
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


def _compare(path: str, operator: str, text: str) -> Wanted:
    if operator not in _OPERATORS:
        raise _fail(operator)
    fields = _find_fields(path)
    given = _read_value(fields[-1], text)

    def is_wanted(queue: Any) -> bool:
        held = _read_field(queue, fields)
        return held is not None and _OPERATORS[operator](held, given)

    return is_wanted


def _find_fields(path: str) -> list[Any]:
    """Return the fields of a path such as rateLimits.maxBurstSize, in camel or snake case."""
    descriptor, fields = Queue.DESCRIPTOR, []
    for name in path.split("."):
        known = {} if descriptor is None else descriptor.fields_by_name
        camel = {} if descriptor is None else descriptor.fields_by_camelcase_name
        field = known.get(name) or camel.get(name)
        if field is None or field.is_repeated:
            raise InvalidArgument(f"Queues cannot be filtered by {path[:80]!r}.")
        fields.append(field)
        descriptor = field.message_type
    if descriptor is not None and descriptor.name not in _MESSAGES:
        raise InvalidArgument(f"Queues cannot be filtered by {path[:80]!r}, only by its fields.")
    return fields


def _read_field(queue: Any, fields: list[Any]) -> Any:
    """Return the field's comparable value; None if it is not set."""
    held = queue
    for field in fields:
        if field.message_type is not None and not held.HasField(field.name):
            return None
        held = getattr(held, field.name)
    last = fields[-1]
    if last.message_type is not None:
        return _MESSAGES[last.message_type.name][0](held)
    if last.enum_type is not None:
        return last.enum_type.values_by_number[held].name.lower()
    return held.lower() if isinstance(held, str) else held


def _read_value(field: Any, text: str) -> Any:
    """Return the value to compare the field with; InvalidArgument if the text does not fit."""
    if text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        if field.message_type is not None:
            return _MESSAGES[field.message_type.name][1](text)
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_ENUM):
            return text.lower()
        return float(text)
    except (ValueError, OverflowError) as error:
        raise _fail(text) from error


def _read_duration(text: str) -> timedelta:
    if not text.endswith("s"):
        raise ValueError(text)
    return timedelta(seconds=float(text[:-1]))


def _read_moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


#: For each message type: the comparable value of a message, and of a text.
_MESSAGES: dict[str, tuple[Callable[[Any], Any], Callable[[str], Any]]] = {
    "Duration": (lambda held: held.ToTimedelta(), _read_duration),
    "Timestamp": (lambda held: held.seconds + held.nanos / 1e9, _read_moment),
}


def _fail(text: str) -> InvalidArgument:
    return InvalidArgument(f"The filter is invalid at {text[:40]!r}.")
