"""Byte encodings that sort as the values they stand for.

Every encoding is self-delimiting: none is a prefix of another of its type. So encodings can be
concatenated and still compare component by component, and inverting all the bytes of one
component inverts its order and nothing else. No encoding contains 0xFF as its first byte, nor does
its inversion: ``value + AFTER`` is greater than everything that begins with ``value``.
"""

import math
import struct

AFTER = b"\xff"

_INVERSION = bytes(255 - byte for byte in range(256))
_UNSIGNED = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_TERMINATOR = b"\x00\x01"


def invert(encoded: bytes) -> bytes:
    """Return an encoding that sorts the other way; inverting twice gives the original."""
    return encoded.translate(_INVERSION)


def encode_bytes(data: bytes) -> bytes:
    """Encode a byte string; shorter sorts before longer, as in any dictionary."""
    return data.replace(b"\x00", b"\x00\xff") + _TERMINATOR


def decode_bytes(encoded: bytes, start: int) -> tuple[bytes, int]:
    """Return the byte string that begins at ``start`` and the offset after it."""
    end = encoded.index(_TERMINATOR, start)
    return encoded[start:end].replace(b"\x00\xff", b"\x00"), end + 2


def encode_int(number: int) -> bytes:
    """Encode a signed 64-bit integer."""
    return _UNSIGNED.pack(number + _SIGN)


def decode_int(encoded: bytes, start: int) -> int:
    """Return the integer whose 8 bytes begin at ``start``."""
    return int(_UNSIGNED.unpack_from(encoded, start)[0]) - _SIGN


def encode_double(number: float) -> bytes:
    """Encode a double in IEEE order: -0.0 before 0.0, and every NaN as one value after infinity."""
    canonical = math.nan if math.isnan(number) else number
    bits = int(_UNSIGNED.unpack(_DOUBLE.pack(canonical))[0])
    return _UNSIGNED.pack(bits ^ _ALL if bits & _SIGN else bits | _SIGN)


def decode_double(encoded: bytes, start: int) -> float:
    """Return the double whose 8 bytes begin at ``start``."""
    bits = int(_UNSIGNED.unpack_from(encoded, start)[0])
    bits = bits ^ _SIGN if bits & _SIGN else bits ^ _ALL
    return float(_DOUBLE.unpack(_UNSIGNED.pack(bits))[0])
