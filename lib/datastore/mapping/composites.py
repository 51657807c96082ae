"""Codecs composed of other codecs: optional values, unions, lists, mappings, enums, keys."""

import typing
from collections.abc import Sequence
from enum import Enum
from typing import Any

from lib.datastore.keys import Key, Partition, read_key, write_key
from lib.datastore.mapping.conversion import (
    Codec,
    ConversionError,
    Decode,
    Encode,
    shown,
    wrong_stored_type,
    wrong_type,
)
from lib.datastore.mapping.unknown import read_keyed, write_embedded
from lib.datastore.v1 import limits
from lib.errors import Invalid


def nothing() -> None:
    """Return None, the empty value of types that have no other."""


def optional_codec(inner: Codec, indexed: bool) -> Codec:
    """None, or a value of `inner`. Only None is empty; zero is not."""
    encode_inner, decode_inner = inner.encode, inner.decode

    def encode(pb: Any, value: Any, depth: int) -> None:
        if value is None:
            encode_null(pb, indexed)
        else:
            encode_inner(pb, value, depth)

    def decode(pb: Any) -> Any:
        return None if pb.HasField("null_value") else decode_inner(pb)

    indexes = indexed or inner.indexes
    name = f"{inner.type_name} | None"
    return Codec(encode, decode, nothing, indexes, name, takes_none=True, nested=inner.nested)


def encode_null(pb: Any, indexed: bool) -> None:
    """Write None."""
    pb.null_value = 0
    if not indexed:
        pb.exclude_from_indexes = True


def union_codec(members: Sequence[Codec], indexed: bool) -> Codec:
    """The first member that accepts the value; an int is tried before a float."""
    ordered = sorted(members, key=lambda member: member.type_name == "float")
    name = " | ".join(member.type_name for member in ordered)

    def encode(pb: Any, value: Any, depth: int) -> None:
        for member in ordered:
            try:
                return member.encode(pb, value, depth)
            except ConversionError:
                pb.Clear()
        raise wrong_type(name, value)

    def decode(pb: Any) -> Any:
        for member in ordered:
            try:
                return member.decode(pb)
            except ConversionError:
                continue
        raise wrong_stored_type(name, pb)

    return Codec(encode, decode, ordered[0].empty, indexed, name)


def list_codec(item: Codec, factory: type[list[Any]] | type[tuple[Any, ...]]) -> Codec:
    """Lists (or tuples) with items of one type; an index holds each item, never the list."""
    name = f"{factory.__name__} of {item.type_name}"
    encode_item, decode_item = item.encode, item.decode

    def encode(pb: Any, value: Any, depth: int) -> None:
        if not isinstance(value, factory):
            raise wrong_type(name, value)
        check_depth(depth)
        array = pb.array_value
        array.SetInParent()
        add = array.values.add
        for index, each in enumerate(value):
            try:
                encode_item(add(), each, depth + 1)
            except ConversionError as mismatch:
                raise mismatch.within(f"[{index}]") from None

    def decode(pb: Any) -> Any:
        if not pb.HasField("array_value"):
            raise wrong_stored_type(name, pb)
        return factory(_decode_items(pb.array_value.values, decode_item))

    return Codec(encode, decode, factory, item.indexes, name, nested=item.nested)


def _decode_items(values: Any, decode_item: Decode) -> list[Any]:
    decoded = []
    for index, value in enumerate(values):
        try:
            decoded.append(decode_item(value))
        except ConversionError as mismatch:
            raise mismatch.within(f"[{index}]") from None
    return decoded


def mapping_codec(item: Codec) -> Codec:
    """A dict with names as keys, stored as an embedded entity."""
    name = f"dict of {item.type_name}"

    def encode(pb: Any, value: Any, depth: int) -> None:
        if not isinstance(value, dict):
            raise wrong_type(name, value)
        encode_mapping(pb, value, depth, item.encode)
        write_embedded(value, pb, indexes=item.indexes)

    def decode(pb: Any) -> dict[str, Any]:
        if not pb.HasField("entity_value"):
            raise wrong_stored_type(name, pb)
        return decode_mapping(pb, item.decode)

    return Codec(encode, decode, dict, item.indexes, name)


def encode_mapping(pb: Any, value: dict[str, Any], depth: int, encode_item: Encode) -> None:
    """Write a dict as an embedded entity."""
    properties = embed(pb, depth).properties
    for name, each in value.items():
        try:
            limits.check_name(name, "a key", "the name of a property")
            encode_item(properties[name], each, depth + 1)
        except ConversionError as mismatch:
            raise mismatch.within(str(name)) from None
        except Invalid as refused:
            raise ConversionError(refused.detail) from None


def decode_mapping(pb: Any, decode_item: Decode) -> dict[str, Any]:
    """Read an embedded entity as a dict."""
    decoded = {}
    for name, value in pb.entity_value.properties.items():
        try:
            decoded[name] = decode_item(value)
        except ConversionError as mismatch:
            raise mismatch.within(name) from None
    return read_keyed(decoded, pb.entity_value)


def check_depth(depth: int) -> None:
    """Raise ConversionError if a value nests deeper than Datastore allows; lists are levels too."""
    if depth >= limits.MAX_NESTING:
        raise ConversionError(f"is nested more than {limits.MAX_NESTING} levels deep")


def embed(pb: Any, depth: int) -> Any:
    """Make the Value an embedded entity and return that; raise ConversionError if too deep."""
    check_depth(depth)
    pb.entity_value.SetInParent()
    return pb.entity_value


def enum_codec(cls: type[Enum], inner: Codec) -> Codec:
    """The members of an enum, stored as their values."""

    def encode(pb: Any, value: Any, depth: int) -> None:
        if not isinstance(value, cls):
            raise wrong_type(cls.__name__, value)
        inner.encode(pb, value.value, depth)

    def decode(pb: Any) -> Enum:
        value = inner.decode(pb)
        try:
            return cls(value)
        except Exception:  # the author's `_missing_` may raise anything
            stored = shown(value, f"another {type(value).__name__}")
            raise ConversionError(f"must be a {cls.__name__}, but {stored} is stored") from None

    # An enum has no empty value: OmitEmpty never leaves one out.
    return Codec(encode, decode, nothing, inner.indexes, cls.__name__)


def key_codec(model: Any, partition: Partition, indexed: bool) -> Codec:
    """A key as a value."""
    keys_model = model if isinstance(model, type) else None

    def encode(pb: Any, value: Any, _depth: int) -> None:
        encode_key(pb, value, partition, indexed)

    def decode(pb: Any) -> Any:
        if pb.HasField("key_value"):
            return read_key(pb.key_value, partition, keys_model)
        raise wrong_stored_type("Key", pb)

    return Codec(encode, decode, nothing, indexed, "Key")


def encode_key(pb: Any, value: Any, partition: Partition, indexed: bool) -> None:
    """Write a complete key as a value."""
    if not isinstance(value, Key):
        raise wrong_type("Key", value)
    if not value.is_complete:
        raise ConversionError("is an incomplete key")
    try:
        write_key(value, partition, pb.key_value)
    except Invalid as refused:
        raise ConversionError(refused.detail) from None
    if not indexed:
        pb.exclude_from_indexes = True


def only_argument(hint: Any) -> Any:
    """Return the X of list[X] or Key[X]; Any if there is none."""
    arguments = [item for item in typing.get_args(hint) if item is not ...]
    return arguments[0] if arguments else Any
