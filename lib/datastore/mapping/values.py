"""The codecs of single values: text, numbers, times, geo points."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lib.datastore.mapping.conversion import Codec, ConversionError, wrong_stored_type, wrong_type
from lib.datastore.v1 import limits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_SECOND = -62_135_596_800
LAST_SECOND = 253_402_300_799

#: The `meaning` of values in a projection, where times are stored as microseconds.
PROJECTED = 18


def text_codec(indexed: bool) -> Codec:
    """Strings of at most 1500 bytes if indexed, otherwise just under 1 MiB; valid Unicode only."""
    longest = limits.MAX_INDEXED_BYTES if indexed else limits.MAX_VALUE_BYTES
    surely_fits = longest // 4

    def encode(pb: Any, value: Any, _depth: int) -> None:
        if type(value) is not str:
            if not isinstance(value, str):
                raise wrong_type("str", value)
            value = str.__str__(value)
        try:
            if len(value) > surely_fits and len(value.encode()) > longest:
                raise ConversionError(_too_long(longest, indexed))
            pb.string_value = value
        except UnicodeEncodeError:
            raise ConversionError("has an unpaired surrogate: not text") from None
        if not indexed:
            pb.exclude_from_indexes = True

    return Codec(encode, _decoder("str", "string_value"), str, indexed, "str")


def bytes_codec(indexed: bool) -> Codec:
    """Blobs, with the same limits as strings."""
    longest = limits.MAX_INDEXED_BYTES if indexed else limits.MAX_VALUE_BYTES

    def check(value: Any) -> None:
        if not isinstance(value, bytes):
            raise wrong_type("bytes", value)
        if len(value) > longest:
            raise ConversionError(_too_long(longest, indexed))

    return _plain_codec(bytes, "blob_value", check, indexed)


def _too_long(longest: int, indexed: bool) -> str:
    return f"is over {longest} bytes" + (", the maximum for an indexed value" if indexed else "")


def bool_codec(indexed: bool) -> Codec:
    """Booleans only, not values that are truthy or falsy."""

    def check(value: Any) -> None:
        if value is not True and value is not False:
            raise wrong_type("bool", value)

    return _plain_codec(bool, "boolean_value", check, indexed)


def int_codec(indexed: bool) -> Codec:
    """Signed 64-bit integers."""

    def check(value: Any) -> None:
        if type(value) is not int and (not isinstance(value, int) or isinstance(value, bool)):
            raise wrong_type("int", value)
        if not -limits.INT64 <= value < limits.INT64:
            raise ConversionError("does not fit into 64 bits")

    return _plain_codec(int, "integer_value", check, indexed)


def _plain_codec(kind: type[Any], field: str, check: Callable[[Any], None], indexed: bool) -> Codec:
    """Values that are stored as they are in a field of the message, once `check` accepts them."""

    def encode(pb: Any, value: Any, _depth: int) -> None:
        check(value)
        setattr(pb, field, value)
        if not indexed:
            pb.exclude_from_indexes = True

    name = kind.__name__
    return Codec(encode, _decoder(name, field), kind, indexed, name)


def _decoder(name: str, field: str) -> Callable[[Any], Any]:
    def decode(pb: Any) -> Any:
        if pb.HasField(field):
            return getattr(pb, field)
        raise wrong_stored_type(name, pb)

    return decode


def float_codec(indexed: bool) -> Codec:
    """Doubles, including infinities and NaN. An int is accepted if a double holds it exactly."""

    def encode(pb: Any, value: Any, _depth: int) -> None:
        if type(value) is not float:
            value = _exact_float(value)
        pb.double_value = value
        if not indexed:
            pb.exclude_from_indexes = True

    def decode(pb: Any) -> float:
        if pb.HasField("double_value"):
            return pb.double_value  # type: ignore[no-any-return]
        if pb.HasField("integer_value"):
            return _exact_float(pb.integer_value)
        raise wrong_stored_type("float", pb)

    return Codec(encode, decode, float, indexed, "float")


def _exact_float(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type("float", value)
    try:
        if float(value) == value or value != value:
            return float(value)
    except OverflowError:
        pass
    raise ConversionError("is an int that a float cannot hold exactly")


def datetime_codec(indexed: bool) -> Codec:
    """Aware times, stored as UTC to the microsecond, which is Datastore's precision."""

    def encode(pb: Any, value: Any, _depth: int) -> None:
        if not isinstance(value, datetime):
            raise wrong_type("datetime", value)
        if value.tzinfo is None or value.utcoffset() is None:
            raise ConversionError("has no time zone")
        since = value - EPOCH
        seconds = since.days * 86400 + since.seconds
        if not FIRST_SECOND <= seconds <= LAST_SECOND:
            raise ConversionError("is in UTC before year 1 or after year 9999")
        stamp = pb.timestamp_value
        stamp.seconds = seconds
        stamp.nanos = since.microseconds * 1000
        if not indexed:
            pb.exclude_from_indexes = True

    def decode(pb: Any) -> datetime:
        if pb.HasField("timestamp_value"):
            stamp = pb.timestamp_value
            return read_time(stamp.seconds, stamp.nanos // 1000)
        if pb.meaning == PROJECTED and pb.HasField("integer_value"):
            return read_time(0, pb.integer_value)
        raise wrong_stored_type("datetime", pb)

    return Codec(encode, decode, lambda: None, indexed, "datetime")


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A point on the earth, in degrees: latitude from -90 to 90, longitude from -180 to 180."""

    latitude: float
    longitude: float


def geo_codec(indexed: bool) -> Codec:
    """Geo points, with the bounds of google.type.LatLng."""

    def encode(pb: Any, value: Any, _depth: int) -> None:
        if not isinstance(value, GeoPoint):
            raise wrong_type("GeoPoint", value)
        latitude, longitude = _exact_float(value.latitude), _exact_float(value.longitude)
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise ConversionError(
                "is out of range: latitude is from -90 to 90, longitude from -180 to 180"
            )
        pb.geo_point_value.latitude = latitude
        pb.geo_point_value.longitude = longitude
        pb.geo_point_value.SetInParent()
        if not indexed:
            pb.exclude_from_indexes = True

    def decode(pb: Any) -> GeoPoint:
        if pb.HasField("geo_point_value"):
            return GeoPoint(pb.geo_point_value.latitude, pb.geo_point_value.longitude)
        raise wrong_stored_type("GeoPoint", pb)

    return Codec(encode, decode, lambda: None, indexed, "GeoPoint")


def read_time(seconds: int, microseconds: int) -> datetime:
    """Return a time since the epoch as an aware UTC datetime."""
    return EPOCH + timedelta(seconds=seconds, microseconds=microseconds)
