"""Which JSON a type accepts, as a hash that can be stored and compared."""

import hashlib
from typing import Any

import msgspec

#: The parts of a schema that are only for people.
_WORDS = frozenset({"title", "description", "examples", "default"})


def describe_type(kind: Any) -> str:
    """Return a hash of the JSON that a type accepts. Titles and descriptions do not change it."""
    return _hash(_Shape(kind, only_required=False).members)


def describe_need(kind: Any) -> str:
    """Return a hash of the JSON that a type requires; "" if it accepts anything.

    Adding a field with a default does not change it.
    """
    members = _Shape(kind, only_required=True).members
    return "" if members == [{}] else _hash(members)


class _Shape:
    """A type's JSON schema without descriptions, and with numbers for the names of its classes."""

    def __init__(self, kind: Any, *, only_required: bool) -> None:
        self._only_required = only_required
        self._numbers: dict[str, int] = {}
        schema = _schema_of(kind)
        classes = schema.pop("$defs", {})
        #: The type itself, followed by the classes that it contains.
        self.members = [self._strip(schema)]
        while len(self.members) <= len(self._numbers):
            name = list(self._numbers)[len(self.members) - 1]
            self.members.append(self._strip(classes[name]))

    def _strip(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._strip(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return {"$ref": self._numbers.setdefault(name, len(self._numbers))}
        return {
            word: self._strip_fields(schema) if word == "properties" else self._strip(each)
            for word, each in schema.items()
            if word not in _WORDS
        }

    def _strip_fields(self, schema: Any) -> Any:
        required = schema.get("required", ())
        return {
            name: self._strip(each)
            for name, each in schema["properties"].items()
            if name in required or not self._only_required
        }


def _schema_of(kind: Any) -> dict[str, Any]:
    if kind is object:  # to an author it accepts anything; to msgspec it is a class like any other
        return {}
    try:
        return msgspec.json.schema(kind)
    except TypeError:  # a type with its own decoder: only its name is known
        return {"type": repr(kind)}


def _hash(plain: Any) -> str:
    encoded = msgspec.json.encode(plain, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]
