"""A client that sends any bytes over HTTP/2, and reads every frame."""

import socket
from collections.abc import Iterable
from typing import Self

from local.rpc.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    HEADER_BYTES,
    PREFACE,
    ErrorCode,
    Frame,
    Type,
    build_frame,
    parse_header,
)
from local.rpc.hpack import Decoder, encode

PING = build_frame(Type.PING, 0, 0, b"are you?")
CALL = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/test/Echo"),
    (b":authority", b"x"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
)


def settings(*pairs: tuple[int, int]) -> bytes:
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs)
    return build_frame(Type.SETTINGS, 0, 0, payload)


def window(stream: int, increment: int) -> bytes:
    return build_frame(Type.WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def headers(stream: int, flags: int = END_HEADERS, fields: Iterable[object] = CALL) -> bytes:
    return build_frame(Type.HEADERS, flags, stream, encode(list(fields)))  # type: ignore[arg-type]


def data(stream: int, message: bytes, flags: int = END_STREAM) -> bytes:
    return build_frame(Type.DATA, flags, stream, b"\0" + len(message).to_bytes(4, "big") + message)


class Peer:
    """One connection; `hello` is what it sends after the preface."""

    def __init__(self, port: int, hello: bytes | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._buffer = b""
        self._decoder = Decoder()
        self.send(PREFACE + (settings() if hello is None else hello))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *frames: bytes) -> None:
        self._socket.sendall(b"".join(frames))

    def read(self) -> Frame | None:
        """Return the next frame; None when the server has ended the connection."""
        while len(self._buffer) < HEADER_BYTES or len(self._buffer) < self._length():
            received = self._socket.recv(65536)
            if not received:
                return None
            self._buffer += received
        end = self._length()
        _, type_, flags, stream = parse_header(self._buffer)
        frame = Frame(type_, flags, stream, self._buffer[HEADER_BYTES:end])
        self._buffer = self._buffer[end:]
        return frame

    def read_until_pong(self) -> list[Frame]:
        """Return what the server sends before it answers a ping."""
        self.send(PING)
        frames = []
        while (frame := self.read()) is not None and frame.type != Type.PING:
            frames.append(frame)
        assert frame == (Type.PING, ACK, 0, b"are you?")
        return frames

    def read_goodbye(self) -> tuple[ErrorCode, int, str]:
        """Return the code, last stream and reason with which the server ends the connection."""
        goodbye = None
        while (frame := self.read()) is not None:
            goodbye = frame
        assert goodbye is not None
        assert goodbye.type == Type.GOAWAY
        last, code, reason = goodbye.payload[:4], goodbye.payload[4:8], goodbye.payload[8:]
        return ErrorCode(int.from_bytes(code, "big")), int.from_bytes(last, "big"), reason.decode()

    def read_answer(self, stream: int) -> tuple[dict[bytes, bytes], bytes]:
        """Return the headers and trailers, and the message, of the answer on a stream."""
        fields: dict[bytes, bytes] = {}
        body = b""
        while (frame := self.read()) is not None:
            if frame.stream != stream:
                continue
            if frame.type == Type.HEADERS:
                fields |= dict(self._decoder.decode(frame.payload))
            elif frame.type == Type.DATA:
                body += frame.payload
            if frame.flags & END_STREAM:
                break
        return fields, body[5:]

    def _length(self) -> int:
        return HEADER_BYTES + parse_header(self._buffer)[0]
