"""The codec of `Any`: a value is stored with its own type, and read with the stored type."""

from datetime import datetime
from typing import Any

from lib.datastore.keys import Key, Partition, read_key
from lib.datastore.mapping import values
from lib.datastore.mapping.composites import (
    decode_mapping,
    encode_key,
    encode_mapping,
    encode_null,
    list_codec,
    nothing,
)
from lib.datastore.mapping.conversion import PYTHON_NAMES, Codec, ConversionError, Decode, Encode
from lib.datastore.mapping.unknown import write_embedded


def any_codec(partition: Partition, indexed: bool) -> Codec:
    """None, bool, int, float, str, bytes, datetime, GeoPoint, Key, and lists and dicts of these."""
    by_type = _encoders(partition, indexed)

    def encode(pb: Any, value: Any, depth: int) -> None:
        for cls in type(value).__mro__:
            if found := by_type.get(cls):
                return found(pb, value, depth)
        raise ConversionError(f"is of a type that cannot be stored: {type(value).__name__}")

    def encode_item(pb: Any, value: Any, depth: int) -> None:
        if isinstance(value, list):
            raise ConversionError("is a list in a list, which Datastore does not store")
        encode(pb, value, depth)

    def encode_dict(pb: Any, value: Any, depth: int) -> None:
        encode_mapping(pb, value, depth, encode)
        write_embedded(value, pb, indexes=indexed)

    decode = _decoder(partition)
    items = Codec(encode_item, decode, nothing, indexed, "any")
    by_type[list] = list_codec(items, list).encode
    by_type[dict] = encode_dict
    return Codec(encode, decode, nothing, indexed, "any", takes_none=True)


def _encoders(partition: Partition, indexed: bool) -> dict[type, Encode]:
    return {
        type(None): lambda pb, _value, _depth: encode_null(pb, indexed),
        bool: values.bool_codec(indexed).encode,
        int: values.int_codec(indexed).encode,
        float: values.float_codec(indexed).encode,
        str: values.text_codec(indexed).encode,
        bytes: values.bytes_codec(indexed).encode,
        datetime: values.datetime_codec(indexed).encode,
        values.GeoPoint: values.geo_codec(indexed).encode,
        Key: lambda pb, value, _depth: encode_key(pb, value, partition, indexed),
    }


def _decoder(partition: Partition) -> Decode:
    read_datetime = values.datetime_codec(indexed=False).decode

    def decode(pb: Any) -> Any:
        which = pb.WhichOneof("value_type")
        found = decoders.get(which)
        if found is None:
            raise ConversionError(f"holds a {PYTHON_NAMES[which]}, which has no Python type here")
        return found(pb)

    decoders: dict[str | None, Decode] = {
        "null_value": lambda _pb: None,
        "boolean_value": lambda pb: pb.boolean_value,
        "integer_value": lambda pb: pb.integer_value,
        "double_value": lambda pb: pb.double_value,
        "string_value": lambda pb: pb.string_value,
        "blob_value": lambda pb: pb.blob_value,
        "timestamp_value": read_datetime,
        "geo_point_value": values.geo_codec(indexed=False).decode,
        "key_value": lambda pb: read_key(pb.key_value, partition),
        "array_value": lambda pb: [decode(item) for item in pb.array_value.values],
        "entity_value": lambda pb: decode_mapping(pb, decode),
    }
    return decode
