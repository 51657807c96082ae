"""HTTP/2 frames (RFC 9113): their types, flags and encoding."""

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9
#: A frame's length (its high byte and the rest), type, flags and stream.
_HEADER = Struct(">BHBBL")

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20

#: This server accepts frames of 1 MiB, and its window is 16 MiB.
MAX_FRAME = 1024 * 1024
RECEIVE_WINDOW = 16 * 1024 * 1024
MAX_STREAMS = 1000
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME = 16_384
MAX_WINDOW = 2**31 - 1


class Type(IntEnum):
    """The frame types."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class SettingId(IntEnum):
    """The settings that this server uses."""

    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5


class ErrorCode(IntEnum):
    """Why a connection or a stream ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class ConnectionFailure(Exception):
    """The peer broke the protocol: the connection must end, with this code."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Frame(NamedTuple):
    """One frame as it was received."""

    type: int
    flags: int
    stream: int
    payload: bytes


def build_frame(type_: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame's bytes."""
    length = len(payload)
    return _HEADER.pack(length >> 16, length & 0xFFFF, type_, flags, stream) + payload


def parse_header(buffer: bytes | bytearray) -> tuple[int, int, int, int]:
    """Return length, type, flags and stream from the frame header at the start of a buffer."""
    high, low, type_, flags, stream = _HEADER.unpack_from(buffer)
    return high << 16 | low, type_, flags, stream & 0x7FFF_FFFF


def build_settings() -> bytes:
    """Return the server's first frames: its settings, and its window for the whole connection."""
    settings = {
        SettingId.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
        SettingId.INITIAL_WINDOW_SIZE: RECEIVE_WINDOW,
        SettingId.MAX_FRAME_SIZE: MAX_FRAME,
    }
    payload = b"".join(
        key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in settings.items()
    )
    return build_frame(Type.SETTINGS, 0, 0, payload) + build_window_update(
        0, RECEIVE_WINDOW - DEFAULT_WINDOW
    )


def build_window_update(stream: int, increment: int) -> bytes:
    """Return a frame that lets the peer send `increment` more bytes."""
    return build_frame(Type.WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def build_reset(stream: int, code: ErrorCode) -> bytes:
    """Return a frame that ends one stream."""
    return build_frame(Type.RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def read_settings(frame: Frame) -> list[tuple[int, int]]:
    """Return a frame's settings as pairs of id and value; ConnectionFailure if it is malformed."""
    payload = frame.payload
    if len(payload) % 6:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "malformed settings")
    pairs = (payload[at : at + 6] for at in range(0, len(payload), 6))
    return [(int.from_bytes(pair[:2], "big"), int.from_bytes(pair[2:], "big")) for pair in pairs]


def strip_padding(frame: Frame) -> bytes:
    """Return a frame's payload without padding; ConnectionFailure if the padding is malformed."""
    if not frame.flags & PADDED:
        return frame.payload
    if not frame.payload:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "padding without a length")
    if frame.payload[0] >= len(frame.payload):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "the padding is longer than the frame")
    return frame.payload[1 : len(frame.payload) - frame.payload[0]]
