import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.rpc.hpack import (
    STATIC_TABLE,
    CompressionError,
    Decoder,
    decode_huffman,
    encode,
)

HEADERS = st.lists(st.tuples(st.binary(min_size=1, max_size=300), st.binary(max_size=300)))


@given(HEADERS)
def test_encoding_round_trips(headers: list[tuple[bytes, bytes]]) -> None:
    assert Decoder().decode(encode(headers)) == headers


def test_the_examples_of_the_standard_are_decoded() -> None:
    """The three requests of RFC 7541, C.4: Huffman strings and a table that grows."""
    decoder = Decoder()
    first = [
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", b"/"),
        (b":authority", b"www.example.com"),
    ]
    assert decoder.decode(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")) == first
    second = decoder.decode(bytes.fromhex("828684be5886a8eb10649cbf"))
    assert second == [*first, (b"cache-control", b"no-cache")]
    third = decoder.decode(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))
    assert third[-2:] == [(b":authority", b"www.example.com"), (b"custom-key", b"custom-value")]
    assert third[:3] == [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html")]


def test_the_static_table_matches_the_standard() -> None:
    assert len(STATIC_TABLE) == 61
    assert STATIC_TABLE[15] == (b"accept-encoding", b"gzip, deflate")
    assert STATIC_TABLE[60] == (b"www-authenticate", b"")


def test_an_entry_that_no_longer_fits_is_evicted() -> None:
    decoder = Decoder()
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.decode(b"\xbe") == [(b"a", b"b")]
    with pytest.raises(CompressionError, match="an unknown index"):
        decoder.decode(b"\x20\xbe")


def test_a_block_is_decoded_with_the_current_table() -> None:
    decoder = Decoder()
    decoder.decode(b"\x40\x01a\x01b")
    assert decoder.decode(b"\xbe") == decoder.decode(b"\xbe") == [(b"a", b"b")]
    decoder.decode(b"\x40\x01c\x01d")
    assert decoder.decode(b"\xbe") == [(b"c", b"d")]


@pytest.mark.parametrize(
    "block", [b"\x80", b"\xff", b"\xc0", b"\x40\x05ab", b"\x3f\xff\xff\xff\x7f"]
)
def test_a_broken_block_is_an_error(block: bytes) -> None:
    with pytest.raises(CompressionError, match=r"truncated|index 0|larger than allowed"):
        Decoder().decode(block)


@given(st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    for decode in (Decoder().decode, decode_huffman):
        try:
            decode(data)
        except CompressionError:
            continue
