"""Codecs: convert one annotation's values to v1 Values, and back.

Codecs are compiled once per model and hold only closures over plain data, so that a save or a
load runs no reflection. `encode(pb, value, depth)` fills an empty Value; `decode(pb)` reads one.
Both raise ConversionError, which collects the path to the value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.config import config

Encode = Callable[[Any, Any, int], None]
Decode = Callable[[Any], Any]

#: The Python name for each field of the v1 `value_type` oneof.
PYTHON_NAMES = {
    None: "nothing",
    "null_value": "None",
    "boolean_value": "bool",
    "integer_value": "int",
    "double_value": "float",
    "timestamp_value": "datetime",
    "key_value": "Key",
    "string_value": "str",
    "blob_value": "bytes",
    "geo_point_value": "GeoPoint",
    "entity_value": "embedded entity",
    "array_value": "list",
}


class ConversionError(Exception):
    """A value that does not fit its annotation; `path` leads from the entity to the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def within(self, name: str) -> "ConversionError":
        """Return the same error with a longer path."""
        self.path.insert(0, name)
        return self

    @property
    def field(self) -> str:
        """The path in readable form: `lines[3].sku`."""
        return ".".join(self.path).replace(".[", "[")


@dataclass(frozen=True, slots=True)
class Codec:
    """How one annotation is stored.

    `empty` makes the value that OmitEmpty leaves out; `indexes` says whether any part of the value
    is indexed, `takes_none` whether a missing property is read as None; `nested` is the plan of the
    nested dataclass, if there is one.
    """

    encode: Encode
    decode: Decode
    empty: Callable[[], Any]
    indexes: bool
    type_name: str
    takes_none: bool = False
    nested: Any = None


def wrong_type(expected: str, value: object) -> ConversionError:
    """Make the error for a Python value of another type than the field's."""
    return ConversionError(f"must be {expected}, not {type(value).__name__}")


def wrong_stored_type(expected: str, pb: Any) -> ConversionError:
    """Make the error for a stored value of another type than the field's."""
    stored = PYTHON_NAMES[pb.WhichOneof("value_type")]
    return ConversionError(f"must be {expected}, but {stored} is stored")


def shown(value: object, instead: str) -> str:
    """Return a stored value for an error's text if logs may quote it; otherwise `instead`."""
    return repr(value) if config().log_texts else instead
