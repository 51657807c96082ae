"""Mutates protobuf requests at random: most remain messages, and few are valid."""

import re
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_INTEGERS = (
    0,
    1,
    -1,
    2,
    7,
    30,
    31,
    1000,
    1001,
    2**31 - 1,
    -(2**31),
    2**63 - 1,
    -(2**63),
    253402300800,
)
_DOUBLES = (0.0, -0.0, 0.5, -1.0, 1e308, -1e308, 5e-324, float("inf"), float("-inf"), float("nan"))
_TEXTS = (
    *("", " ", "x", "__key__", "__name__", "__kind__", "__property__", "__namespace__", "__x__"),
    *("a.b", "a.b.c", "`a`", "a..b", ".", "*", "\0", "\n", "żółć", "😀", "%", "'", '"', "\\", "1"),
    *("x" * 1500, "x" * 1501, "ż" * 800, "x" * 100_000),
)
_BYTES = (b"", b"\0", b"\xff", b"\xff" * 16, b"x" * 1501, bytes(range(256)))
_LONGEST_REPEAT = 40
_LONGEST_CHANGED = 2000
_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_CHANGES = (0, 1, 1, 1, 2, 2, 3, 5)


class Mutator:
    """Mutates requests; pieces of the corpus are inserted where their type fits."""

    def __init__(self, corpus: Iterable[Any], texts: Sequence[str] = ()) -> None:
        self._texts = (*_TEXTS, *texts)
        self._parts: dict[str, list[Any]] = {}
        for message in corpus:
            for part in _list_parts(message):
                self._parts.setdefault(part.DESCRIPTOR.full_name, []).append(part)

    def mutate(self, original: Any, random: Random) -> bytes:
        """Return the bytes of a request that differs from the original in up to five places."""
        message = type(original)()
        message.CopyFrom(original)
        for _ in range(random.choice(_CHANGES)):
            parts = _list_parts(message)
            # The request itself is one of many messages, and has the most important fields.
            self._change_part(parts[0] if _happens(random, 3) else random.choice(parts), random)
        data: bytes = message.SerializePartialToString()
        return change_bytes(data, random) if _happens(random, 20) else data

    def _change_part(self, message: Any, random: Random) -> None:
        if not message.DESCRIPTOR.fields:
            return
        field = random.choice(message.DESCRIPTOR.fields)
        if _happens(random, 7):
            message.ClearField(field.name)
        elif _is_map(field):
            self._change_map(message, field, random)
        elif field.is_repeated:
            self._change_list(getattr(message, field.name), field, random)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            self._put_part(getattr(message, field.name), random)
        else:
            old = getattr(message, field.name)
            text = field.type == FieldDescriptor.TYPE_STRING and old and _happens(random, 2)
            new = self._change_text(old, random) if text else self._draw_scalar(field, random)
            setattr(message, field.name, new)

    def _change_text(self, text: str, random: Random) -> str:
        """Return a text with some of its words doubled, lost, or replaced by those of others."""
        words = _WORD.findall(text[:_LONGEST_CHANGED])
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(words) + 1)
            others = _WORD.findall(random.choice(self._texts)[:_LONGEST_CHANGED])
            lost = random.randint(0, 2)
            words[at : at + lost] = random.choice(([], words[:at][-3:], others[-3:]))
        return "".join(words)

    def _change_map(self, message: Any, field: Any, random: Random) -> None:
        entries = getattr(message, field.name)
        key = field.message_type.fields_by_name["key"]
        value = field.message_type.fields_by_name["value"]
        name = self._draw_scalar(key, random)
        if value.type == FieldDescriptor.TYPE_MESSAGE:
            self._put_part(entries[name], random)
        else:
            entries[name] = self._draw_scalar(value, random)

    def _change_list(self, items: Any, field: Any, random: Random) -> None:
        if items and _happens(random, 3):
            del items[random.randrange(len(items))]
        elif field.type != FieldDescriptor.TYPE_MESSAGE:
            items.append(self._draw_scalar(field, random))
        elif items and _happens(random, 2):
            again = random.choice(items)
            copies = random.choice((1, 1, 1, _LONGEST_REPEAT))
            items.extend([type(again).FromString(again.SerializePartialToString())] * copies)
        else:
            self._put_part(items.add(), random)

    def _put_part(self, place: Any, random: Random) -> None:
        place.SetInParent()
        known = self._parts.get(place.DESCRIPTOR.full_name)
        if known and not _happens(random, 5):
            place.CopyFrom(random.choice(known))
        elif place.DESCRIPTOR.fields:
            self._change_part(place, random)

    def _draw_scalar(self, field: Any, random: Random) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            return random.choice(self._texts)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return random.choice(_BYTES)
        if field.type == FieldDescriptor.TYPE_BOOL:
            return _happens(random, 2)
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return random.choice(_DOUBLES)
        if field.type == FieldDescriptor.TYPE_ENUM:
            return random.choice((*(value.number for value in field.enum_type.values), 99, -1))
        wide = field.type in (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64)
        return random.choice([n for n in _INTEGERS if wide or -(2**31) <= n < 2**31])


def _happens(random: Random, one_in: int) -> bool:
    # hypothesis draws zero more often than other values, so zero means no change.
    return random.randrange(one_in) == one_in - 1


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _list_parts(message: Any) -> list[Any]:
    """Return the message and all the messages that are set in it."""
    parts = [message]
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        if _is_map(field):
            values = [one for one in value.values() if hasattr(one, "DESCRIPTOR")]
        else:
            values = list(value) if field.is_repeated else [value]
        for one in values:
            parts += _list_parts(one)
    return parts


def change_bytes(data: bytes, random: Random) -> bytes:
    """Return the bytes with up to four of them changed, cut off or put in."""
    changed = bytearray(data or b"\0")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed))
        change = random.randrange(3)
        if change == 0:
            changed[at] = random.randrange(256)
        elif change == 1:
            del changed[at:]
            changed += b"\0"
        else:
            changed[at:at] = bytes(random.randrange(256) for _ in range(random.randint(1, 4)))
    return bytes(changed)
