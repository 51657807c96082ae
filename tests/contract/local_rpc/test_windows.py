"""Flow control: never more bytes than the peer accepts, and all of them as soon as it does."""

import pytest

from local.rpc.frames import (
    END_HEADERS,
    MAX_STREAMS,
    MAX_WINDOW,
    ErrorCode,
    Frame,
    Type,
    build_frame,
)
from local.rpc.hpack import encode
from tests.contract.local_rpc.conftest import Server
from tests.contract.local_rpc.peer import CALL, Peer, data, headers, settings, window

HELLO = b"\n\x05hello"
START = encode([(b":status", b"200"), (b"content-type", b"application/grpc")])
WAIT = [*(pair for pair in CALL if pair[0] != b":path"), (b":path", b"/test/Wait")]


def sizes(frames: list[Frame], stream: int) -> list[int]:
    return [
        len(frame.payload) for frame in frames if frame.type == Type.DATA and frame.stream == stream
    ]


def message(size: int) -> bytes:
    """Return a BytesValue whose answer has this number of bytes, including gRPC's prefix."""
    inner = size - 9
    prefix = b"\n" + bytes([inner & 0x7F | 0x80, inner >> 7 & 0x7F | 0x80, inner >> 14])
    return prefix + bytes(inner)


def test_an_answer_waits_for_a_stream_window_of_zero(port: int) -> None:
    with Peer(port, settings((4, 0))) as peer:
        peer.send(headers(1), data(1, HELLO))
        assert sizes(peer.read_until_pong(), 1) == []
        peer.send(window(1, 5))
        assert peer.read() == (Type.HEADERS, END_HEADERS, 1, START)
        assert peer.read() == (Type.DATA, 0, 1, b"\0\0\0\0\x07")
        peer.send(settings((4, 100)))
        assert peer.read_answer(1)[0][b"grpc-status"] == b"0"


def test_an_answer_waits_for_the_connections_window(port: int) -> None:
    with Peer(port, settings((4, 2**20))) as peer:
        peer.send(headers(1), data(1, message(100_000)))
        body = 0
        while body < 65_535:
            frame = peer.read()
            assert frame is not None
            body += len(frame.payload) if frame.type == Type.DATA else 0
        assert body == 65_535
        assert sizes(peer.read_until_pong(), 1) == []
        peer.send(headers(3, END_HEADERS), data(3, HELLO), window(0, 100_000))
        assert peer.read_answer(1)[0] == {b"grpc-status": b"0"}


def test_a_smaller_initial_window_applies_to_open_streams(server: Server) -> None:
    """After the initial window shrinks by 100 bytes, that of a waiting stream is negative."""
    with Peer(server.port, settings((4, 100))) as peer:
        peer.send(headers(1), data(1, message(300)))
        got = 0
        while got < 100:
            frame = peer.read()
            assert frame is not None
            got += len(frame.payload) if frame.type == Type.DATA else 0
        peer.send(settings((4, 0)), window(1, 100))
        assert sizes(peer.read_until_pong(), 1) == []
        peer.send(window(1, 200))
        assert peer.read_answer(1)[0] == {b"grpc-status": b"0"}


@pytest.mark.parametrize("largest", [16_384, 20_000])
def test_no_frame_is_longer_than_the_peer_accepts(port: int, largest: int) -> None:
    with Peer(port, settings((4, 2**20), (5, largest))) as peer:
        peer.send(headers(1), data(1, message(50_000)))
        peer.send(window(0, 2**20))
        got: list[Frame] = []
        while sum(sizes(got, 1)) < 50_000:
            frame = peer.read()
            assert frame is not None
            got.append(frame)
        assert max(sizes(got, 1)) == largest


def test_windows_that_overflow_end_the_connection(server: Server) -> None:
    waits = headers(1, fields=WAIT) + data(1, HELLO)
    for frames in (
        window(0, MAX_WINDOW),
        headers(1) + window(1, MAX_WINDOW),
        waits + window(1, 1) + settings((4, MAX_WINDOW)),
    ):
        with Peer(server.port) as peer:
            peer.read_until_pong()
            peer.send(frames)
            assert peer.read_goodbye()[0] == ErrorCode.FLOW_CONTROL_ERROR
    server.may_go.set()


def test_the_server_widens_its_own_window_as_it_reads(port: int) -> None:
    chunk = build_frame(Type.DATA, 0, 1, bytes(2**20))
    with Peer(port) as peer:
        peer.send(headers(1), *[chunk] * 5)
        widened = [
            int.from_bytes(frame.payload, "big")
            for frame in peer.read_until_pong()
            if frame.type == Type.WINDOW_UPDATE and frame.payload != b"\0\xff\0\x01"
        ]
        assert widened == [4 * 2**20]


def test_more_data_than_a_streams_window_ends_the_connection(port: int) -> None:
    with Peer(port) as peer:
        peer.send(headers(1), *[build_frame(Type.DATA, 0, 1, bytes(2**20))] * 16)
        peer.read_until_pong()
        peer.send(build_frame(Type.DATA, 0, 1, b"x"))
        assert peer.read_goodbye()[0] == ErrorCode.FLOW_CONTROL_ERROR


def test_a_stream_over_the_limit_is_refused_and_may_be_retried(port: int) -> None:
    latest = 2 * MAX_STREAMS + 1
    with Peer(port) as peer:
        for stream in range(1, latest, 2):
            peer.send(headers(stream))
        peer.send(headers(latest))
        reset = peer.read_until_pong()[-1]
        assert (reset.type, reset.stream) == (Type.RST_STREAM, latest)
        assert reset.payload == ErrorCode.REFUSED_STREAM.to_bytes(4, "big")
        peer.send(data(1, HELLO))
        assert peer.read_answer(1)[1] == HELLO
        peer.send(headers(latest + 2), data(latest + 2, HELLO))
        assert peer.read_answer(latest + 2)[1] == HELLO


def test_a_reset_ends_its_stream_and_no_other(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(headers(1, fields=WAIT), data(1, HELLO))
        peer.send(build_frame(Type.RST_STREAM, 0, 1, bytes(4)), headers(3), data(3, HELLO))
        assert peer.read_answer(3)[1] == HELLO
        server.may_go.set()
        assert sizes(peer.read_until_pong(), 1) == []
