"""HPACK (RFC 7541), the compression of HTTP/2 headers: decodes all of it, encodes only literals.

The format allows uncompressed literals.
"""

from collections import deque

STATIC_TABLE: tuple[tuple[bytes, bytes], ...] = tuple(
    (name.encode(), value.replace("_", " ").encode())
    for name, _, value in (
        line.partition("=")
        for line in [
            ":authority",
            ":method=GET",
            ":method=POST",
            ":path=/",
            ":path=/index.html",
            ":scheme=http",
            ":scheme=https",
            ":status=200",
            ":status=204",
            ":status=206",
            ":status=304",
            ":status=400",
            ":status=404",
            ":status=500",
            "accept-charset",
            "accept-encoding=gzip,_deflate",
            "accept-language",
            "accept-ranges",
            "accept",
            "access-control-allow-origin",
            "age",
            "allow",
            "authorization",
            "cache-control",
            "content-disposition",
            "content-encoding",
            "content-language",
            "content-length",
            "content-location",
            "content-range",
            "content-type",
            "cookie",
            "date",
            "etag",
            "expect",
            "expires",
            "from",
            "host",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "last-modified",
            "link",
            "location",
            "max-forwards",
            "proxy-authenticate",
            "proxy-authorization",
            "range",
            "referer",
            "refresh",
            "retry-after",
            "server",
            "set-cookie",
            "strict-transport-security",
            "transfer-encoding",
            "user-agent",
            "vary",
            "via",
            "www-authenticate",
        ]
    )
)
#: The length in bits of each byte's Huffman code; the code is canonical, so lengths define it.
_LENGTHS = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c060a0a0c0d06080b0a0a080b"
    "080606060505050606060606060607080f060c0a0d0607070707070707070707070707070707070707070707"
    "0807080d130d0e060f05060506050606060507070606060506070605050607070707070f0b0e0d1c14161414"
    "1616161716171717171718171818161718171717171516171617171816151416161717151716161815161717"
    "151516151716171714161616171616171a1a1413161716191a1a1a1b1b1a181913151a1b1b1a1b1815151a1a"
    "1c1b1b1b14181415161515171616191918181a171a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a1e"
)
_MAX_TABLE_BYTES = 4096
_ENTRY_OVERHEAD = 32
_MAX_KNOWN = 64

Headers = list[tuple[bytes, bytes]]


class CompressionError(Exception):
    """A header block cannot be decoded, so the connection must end."""


def _build_codes() -> dict[tuple[int, int], int]:
    codes, code, last = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(_LENGTHS)):
        code <<= length - last
        last = length
        codes[length, code] = symbol
        code += 1
    return codes


_CODES = _build_codes()


def decode_huffman(data: bytes) -> bytes:
    """Return the decoded bytes of a Huffman string; CompressionError if it is invalid."""
    decoded = bytearray()
    code = length = 0
    for byte in data:
        for shift in range(7, -1, -1):
            code = code << 1 | byte >> shift & 1
            length += 1
            symbol = _CODES.get((length, code))
            if symbol is not None:
                decoded.append(symbol)
                code = length = 0
            elif length > 30:
                raise CompressionError("an unknown Huffman code")
    if length > 7 or code != (1 << length) - 1:
        raise CompressionError("Huffman padding is not all ones")
    return bytes(decoded)


class Decoder:
    """The decoder of one connection, with the dynamic table that it shares with the peer."""

    def __init__(self) -> None:
        self._table: deque[tuple[bytes, bytes]] = deque()
        self._size = 0
        self._limit = _MAX_TABLE_BYTES
        # Most requests of a client have one of a few header blocks.
        self._known: dict[bytes, Headers] = {}

    def decode(self, block: bytes) -> Headers:
        """Return the headers of a block, which the caller must not change.

        Raises CompressionError if the block is invalid.
        """
        known = self._known
        headers = known.get(block)
        if headers is None:
            try:
                headers = self._decode(block)
            except IndexError as error:
                raise CompressionError("a truncated header block or an unknown index") from error
            if self._known is known and len(known) < _MAX_KNOWN:
                known[block] = headers
        return headers

    def _decode(self, block: bytes) -> Headers:
        headers: Headers = []
        at = 0
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _decode_int(block, at, 7)
                headers.append(self._get(index))
            elif first & 0x40:
                header, at = self._decode_literal(block, at, 6)
                headers.append(header)
                self._add(header)
            elif first & 0x20:
                if headers:
                    raise CompressionError("a table size update after a header")
                limit, at = _decode_int(block, at, 5)
                self._resize(limit)
            else:
                header, at = self._decode_literal(block, at, 4)
                headers.append(header)
        return headers

    def _decode_literal(self, block: bytes, at: int, bits: int) -> tuple[tuple[bytes, bytes], int]:
        index, at = _decode_int(block, at, bits)
        if index:
            name = self._get(index)[0]
        else:
            name, at = _decode_string(block, at)
        value, at = _decode_string(block, at)
        return (name, value), at

    def _get(self, index: int) -> tuple[bytes, bytes]:
        if index == 0:
            raise CompressionError("index 0")
        if index <= len(STATIC_TABLE):
            return STATIC_TABLE[index - 1]
        return self._table[index - len(STATIC_TABLE) - 1]

    def _add(self, header: tuple[bytes, bytes]) -> None:
        self._known = {}
        self._table.appendleft(header)
        self._size += len(header[0]) + len(header[1]) + _ENTRY_OVERHEAD
        self._evict()

    def _resize(self, limit: int) -> None:
        if limit > _MAX_TABLE_BYTES:
            raise CompressionError("the table is larger than allowed")
        self._known = {}
        self._limit = limit
        self._evict()

    def _evict(self) -> None:
        while self._size > self._limit:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + _ENTRY_OVERHEAD


def _decode_int(block: bytes, at: int, bits: int) -> tuple[int, int]:
    mask = (1 << bits) - 1
    number = block[at] & mask
    at += 1
    if number < mask:
        return number, at
    shift = 0
    while True:
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, at
        if shift > 28:
            raise CompressionError("an integer is too long")


def _decode_string(block: bytes, at: int) -> tuple[bytes, int]:
    compressed = block[at] & 0x80
    length, at = _decode_int(block, at, 7)
    data = block[at : at + length]
    if len(data) != length:
        raise CompressionError("a truncated string")
    return (decode_huffman(data) if compressed else data), at + length


def encode(headers: Headers) -> bytes:
    """Return a header block that does not change the peer's dynamic table."""
    return b"".join(
        b"\x00" + _encode_string(name) + _encode_string(value) for name, value in headers
    )


def _encode_string(data: bytes) -> bytes:
    length = len(data)
    if length < 127:
        return bytes([length]) + data
    prefix = bytearray([127])
    length -= 127
    while length >= 128:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data
