"""Each type of frame: valid ones are accepted, others end the connection with RFC 9113's code."""

import pytest

from local.rpc.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    MAX_FRAME,
    PADDED,
    PRIORITY_FLAG,
    ErrorCode,
    Type,
    build_frame,
)
from local.rpc.hpack import encode
from tests.contract.local_rpc.peer import CALL, Peer, data, headers, settings, window

BLOCK = encode(list(CALL))
HELLO = b"\n\x05hello"

PROTOCOL = ErrorCode.PROTOCOL_ERROR
SIZE = ErrorCode.FRAME_SIZE_ERROR

IMPROPER = {
    "data on stream 0": (PROTOCOL, data(0, HELLO)),
    "data on an idle stream": (PROTOCOL, data(3, HELLO)),
    "data on a stream of the server's": (PROTOCOL, headers(5) + data(2, HELLO)),
    "padding as long as its frame": (
        PROTOCOL,
        headers(1) + build_frame(Type.DATA, PADDED, 1, b"\x05abcd"),
    ),
    "padding without its length": (SIZE, headers(1) + build_frame(Type.DATA, PADDED, 1)),
    "headers on stream 0": (PROTOCOL, headers(0)),
    "headers on an even stream": (PROTOCOL, headers(2)),
    "headers on an earlier stream": (PROTOCOL, headers(5) + headers(3)),
    "headers padded away": (
        PROTOCOL,
        build_frame(Type.HEADERS, END_HEADERS | PADDED, 1, b"\xff" + BLOCK),
    ),
    "headers with half a priority": (
        SIZE,
        build_frame(Type.HEADERS, END_HEADERS | PRIORITY_FLAG, 1, b"\0\0\0\0"),
    ),
    "trailers without END_STREAM": (PROTOCOL, headers(1) + headers(1)),
    "a priority on stream 0": (PROTOCOL, build_frame(Type.PRIORITY, 0, 0, bytes(5))),
    "a short priority": (SIZE, build_frame(Type.PRIORITY, 0, 1, bytes(4))),
    "a reset of stream 0": (PROTOCOL, build_frame(Type.RST_STREAM, 0, 0, bytes(4))),
    "a reset of an idle stream": (PROTOCOL, build_frame(Type.RST_STREAM, 0, 1, bytes(4))),
    "a short reset": (SIZE, headers(1) + build_frame(Type.RST_STREAM, 0, 1, bytes(3))),
    "settings on a stream": (PROTOCOL, build_frame(Type.SETTINGS, 0, 1)),
    "settings cut off": (SIZE, build_frame(Type.SETTINGS, 0, 0, bytes(5))),
    "an acknowledgement with settings": (SIZE, build_frame(Type.SETTINGS, ACK, 0, bytes(6))),
    "push neither on nor off": (PROTOCOL, settings((2, 2))),
    "an initial window too wide": (ErrorCode.FLOW_CONTROL_ERROR, settings((4, 2**31))),
    "frames too short": (PROTOCOL, settings((5, 16_383))),
    "frames too long": (PROTOCOL, settings((5, 2**24))),
    "a push": (PROTOCOL, headers(1) + build_frame(Type.PUSH_PROMISE, 4, 1, bytes(4))),
    "a ping on a stream": (PROTOCOL, build_frame(Type.PING, 0, 1, bytes(8))),
    "a short ping": (SIZE, build_frame(Type.PING, 0, 0, bytes(7))),
    "a goodbye on a stream": (PROTOCOL, build_frame(Type.GOAWAY, 0, 1, bytes(8))),
    "half a goodbye": (SIZE, build_frame(Type.GOAWAY, 0, 0, bytes(7))),
    "a window update of nothing": (PROTOCOL, window(0, 0)),
    "a window update of an idle stream": (PROTOCOL, window(1, 1)),
    "a short window update": (SIZE, build_frame(Type.WINDOW_UPDATE, 0, 0, bytes(3))),
    "a continuation of nothing": (PROTOCOL, build_frame(Type.CONTINUATION, END_HEADERS, 1, BLOCK)),
    "a continuation on another stream": (
        PROTOCOL,
        headers(1, 0) + build_frame(Type.CONTINUATION, END_HEADERS, 3),
    ),
    "a ping amid a header block": (
        PROTOCOL,
        headers(1, 0) + build_frame(Type.PING, 0, 0, bytes(8)),
    ),
    "an unknown frame amid a header block": (PROTOCOL, headers(1, 0) + build_frame(99, 0, 0)),
    "a frame longer than was said": (SIZE, bytes([0x10, 0, 1, Type.DATA, 0, 0, 0, 0, 1])),
    "a header block too long in one frame": (
        ErrorCode.ENHANCE_YOUR_CALM,
        build_frame(Type.HEADERS, END_HEADERS, 1, bytes(65 * 1024)),
    ),
    "a header block too long in many": (
        ErrorCode.ENHANCE_YOUR_CALM,
        headers(1, 0) + build_frame(Type.CONTINUATION, 0, 1, bytes(40 * 1024)) * 2,
    ),
    "a header that is in no table": (
        ErrorCode.COMPRESSION_ERROR,
        build_frame(Type.HEADERS, END_HEADERS, 1, b"\xff\x00"),
    ),
    "a table larger than was said": (
        ErrorCode.COMPRESSION_ERROR,
        build_frame(Type.HEADERS, END_HEADERS, 1, b"\x3f\xe2\x1f" + BLOCK),
    ),
    "a table resized after a header": (
        ErrorCode.COMPRESSION_ERROR,
        build_frame(Type.HEADERS, END_HEADERS, 1, BLOCK + b"\x20"),
    ),
}


@pytest.mark.parametrize("name", IMPROPER)
def test_an_improper_frame_ends_the_connection_with_the_standards_code(
    port: int, name: str
) -> None:
    code, frames = IMPROPER[name]
    with Peer(port) as peer:
        peer.read_until_pong()
        peer.send(frames)
        assert peer.read_goodbye()[0] == code


@pytest.mark.parametrize("hello", [b"", headers(1)])
def test_a_connection_begins_with_settings(port: int, hello: bytes) -> None:
    with Peer(port, hello) as peer:
        peer.send(build_frame(Type.PING, 0, 0, bytes(8)))
        assert peer.read_goodbye()[0] == PROTOCOL


def test_a_request_may_come_in_any_proper_frames(port: int) -> None:
    body = b"\0" + len(HELLO).to_bytes(4, "big") + HELLO
    padded = b"\x03\0\0\0\0\x0f" + BLOCK[:7] + bytes(3)
    frames = [
        build_frame(Type.PRIORITY, 0, 1, bytes(5)),
        build_frame(Type.HEADERS, PADDED | PRIORITY_FLAG, 1, padded),
        build_frame(Type.CONTINUATION, 0, 1, BLOCK[7:20]),
        build_frame(Type.CONTINUATION, 0, 1),
        build_frame(Type.CONTINUATION, END_HEADERS, 1, BLOCK[20:]),
        build_frame(99, 255, 1, b"a type of later days"),
        build_frame(Type.DATA, 0, 1),
        build_frame(Type.DATA, PADDED, 1, b"\xff" + body[:4] + bytes(255)),
        build_frame(Type.DATA, 0, 1, body[4:]),
        build_frame(Type.DATA, END_STREAM | PADDED, 1, b"\x01\0"),
    ]
    with Peer(port) as peer:
        for byte in b"".join(frames):
            peer.send(bytes([byte]))
        fields, message = peer.read_answer(1)
        assert (fields[b":status"], fields[b"grpc-status"], message) == (b"200", b"0", HELLO)


def test_a_frame_of_the_announced_maximum_is_accepted(port: int) -> None:
    size = MAX_FRAME - 9
    message = b"\n" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + bytes(size)
    with Peer(port) as peer:
        peer.send(settings((4, 2**24)), window(0, 2**24), headers(1), data(1, message))
        assert peer.read_answer(1)[1] == message


def test_settings_and_pings_are_acknowledged_but_not_acknowledgements(port: int) -> None:
    with Peer(port) as peer:
        peer.send(build_frame(Type.SETTINGS, ACK, 0), build_frame(Type.PING, ACK, 0, bytes(8)))
        peer.send(settings((6, 1), (99, 7)))
        said = [(frame.type, frame.flags) for frame in peer.read_until_pong()]
        assert said[0] == (Type.SETTINGS, 0)
        assert said.count((Type.SETTINGS, ACK)) == 2
        assert (Type.PING, ACK) not in said


def test_data_after_a_request_resets_only_its_stream(port: int) -> None:
    with Peer(port) as peer:
        peer.send(headers(1), data(1, HELLO))
        assert peer.read_answer(1)[1] == HELLO
        peer.send(data(1, HELLO))
        reset = peer.read_until_pong()[-1]
        assert (reset.type, reset.stream) == (Type.RST_STREAM, 1)
        assert reset.payload == ErrorCode.STREAM_CLOSED.to_bytes(4, "big")
