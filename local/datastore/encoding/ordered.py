"""Byte encodings that sort like the values that they encode.

Every encoding is self-delimiting: none is a prefix of another of its type. So concatenated
encodings compare component by component, and inverting the bytes of one component inverts only its
order. Neither an encoding nor its inversion begins with 0xFF, so ``value + AFTER`` is greater than
everything that begins with ``value``.
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
    """Return an encoding that sorts in reverse; inverting it again gives the original."""
    return encoded.translate(_INVERSION)


def encode_bytes(data: bytes) -> bytes:
    """Encode a byte string; a prefix sorts before the longer string."""
    return data.replace(b"\x00", b"\x00\xff") + _TERMINATOR


def decode_bytes(encoded: bytes, start: int) -> tuple[bytes, int]:
    """Return the byte string at ``start`` and the offset after it."""
    end = encoded.index(_TERMINATOR, start)
    return encoded[start:end].replace(b"\x00\xff", b"\x00"), end + 2


def encode_int(number: int) -> bytes:
    """Encode a signed 64-bit integer."""
    return _UNSIGNED.pack(number + _SIGN)


def decode_int(encoded: bytes, start: int) -> int:
    """Return the integer in the 8 bytes at ``start``."""
    return int(_UNSIGNED.unpack_from(encoded, start)[0]) - _SIGN


def encode_double(number: float) -> bytes:
    """Encode a double in IEEE order: -0.0 before 0.0, and every NaN as one value after infinity."""
    canonical = math.nan if math.isnan(number) else number
    bits = int(_UNSIGNED.unpack(_DOUBLE.pack(canonical))[0])
    return _UNSIGNED.pack(bits ^ _ALL if bits & _SIGN else bits | _SIGN)


def decode_double(encoded: bytes, start: int) -> float:
    """Return the double in the 8 bytes at ``start``."""
    bits = int(_UNSIGNED.unpack_from(encoded, start)[0])
    bits = bits ^ _SIGN if bits & _SIGN else bits ^ _ALL
    return float(_DOUBLE.unpack(_UNSIGNED.pack(bits))[0])
