import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from local.datastore.encoding.ordered import (
    AFTER,
    decode_bytes,
    decode_double,
    decode_int,
    encode_bytes,
    encode_double,
    encode_int,
    invert,
)

INTS = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(allow_nan=False)
TAILS = st.binary(max_size=3).map(lambda tail: tail.replace(AFTER, b""))


@given(INTS, INTS)
def test_integers_compare_as_their_encodings(one: int, other: int) -> None:
    assert (encode_int(one) < encode_int(other)) == (one < other)
    assert decode_int(encode_int(one), 0) == one


@given(DOUBLES, DOUBLES)
def test_doubles_compare_as_their_encodings(one: float, other: float) -> None:
    if one != other:
        assert (encode_double(one) < encode_double(other)) == (one < other)
    assert struct.pack(">d", decode_double(encode_double(one), 0)) == struct.pack(">d", one)


def test_zeros_differ_and_every_nan_is_last() -> None:
    assert encode_double(-0.0) < encode_double(0.0)
    assert encode_double(math.inf) < encode_double(math.nan) == encode_double(-math.nan)


@given(st.binary(), st.binary(), TAILS, TAILS)
def test_byte_strings_compare_first_whatever_follows(
    one: bytes, other: bytes, tail: bytes, other_tail: bytes
) -> None:
    encoded, other_encoded = encode_bytes(one) + tail, encode_bytes(other) + other_tail
    if one != other:
        assert (encoded < other_encoded) == (one < other)
        assert (invert(encoded) < invert(other_encoded)) == (other < one)
    assert decode_bytes(encoded, 0) == (one, len(encode_bytes(one)))


@given(st.binary(), TAILS)
def test_after_sorts_above_everything_with_a_prefix(value: bytes, tail: bytes) -> None:
    encoded = encode_bytes(value)
    assert encoded <= encoded + tail < encoded + AFTER


@given(st.binary())
def test_inverting_twice_changes_nothing(value: bytes) -> None:
    assert invert(invert(value)) == value
