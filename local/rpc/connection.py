"""The receiving side of an HTTP/2 connection: assembles requests from frames and handles them.

The thread that reads a request handles it. If the handler is about to block, a new thread continues
reading, so that requests on the same connection do not wait for each other.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.rpc.frame_checks import check_frame
from local.rpc.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    HEADER_BYTES,
    MAX_FRAME,
    MAX_STREAMS,
    PREFACE,
    PRIORITY_FLAG,
    RECEIVE_WINDOW,
    ConnectionFailure,
    ErrorCode,
    Frame,
    SettingId,
    Type,
    build_frame,
    build_reset,
    build_settings,
    build_window_update,
    parse_header,
    read_settings,
    strip_padding,
)
from local.rpc.handover import set_successor
from local.rpc.hpack import CompressionError, Decoder, Headers
from local.rpc.sender import Sender, StreamGone

_LOG = logging.getLogger(__name__)
_READ_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 64 * 1024
_PRIORITY_BYTES = 5
#: How many bytes are received before the window is widened by as many.
_WINDOW_STEP = RECEIVE_WINDOW // 4


@dataclass(slots=True)
class StreamRequest:
    """A request that is being received."""

    stream: int
    headers: Headers
    body: bytearray = field(default_factory=bytearray)


Handler = Callable[[StreamRequest, Sender], None]


class Http2Connection:
    """One HTTP/2 connection."""

    def __init__(
        self,
        connection: socket.socket,
        handle: Handler,
        received: bytes,
        forget: Callable[["Http2Connection"], None],
    ) -> None:
        self._socket = connection
        self._forget = forget
        self._handle = handle
        self._buffer = bytearray(received)
        self._sender = Sender(connection)
        self._decoder = Decoder()
        self._requests: dict[int, StreamRequest] = {}
        self._last_stream = 0
        self._consumed = 0
        self._block: tuple[Frame, bytearray] | None = None
        self._reader: object | None = None
        self._is_greeted = False
        #: Held while a request begins, and while GOAWAY is built, which names the last request.
        self._beginning = threading.Lock()
        self._is_dismissed = False
        self._last_used = time.monotonic()

    def serve(self) -> None:
        """Handle requests until the peer or the server ends the connection."""
        try:
            self._sender.send(build_settings())
            if bytes(self._read_exactly(len(PREFACE)) or b"") != PREFACE:
                raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "no HTTP/2 preface")
        except (OSError, ConnectionFailure):
            self.close()
            return
        self._read_frames()

    @property
    def idle_since(self) -> float | None:
        """The time.monotonic() of the last bytes of a request; None while one is in progress."""
        is_answering = self._sender.open_streams > len(self._requests)
        return None if is_answering else self._last_used

    def dismiss(self) -> None:
        """Close the connection if it is idle; its client can connect again."""
        with self._beginning:
            if self.idle_since is None:
                return
            self._is_dismissed = True
            goodbye = self._build_goodbye(ErrorCode.NO_ERROR, "idle")
        _LOG.info("closing an idle connection to make room")
        self._sender.send_if_free(goodbye)
        self.close()

    def close(self) -> None:
        """Close the connection immediately."""
        self._forget(self)
        self._sender.close()
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # The peer was faster.
        finally:
            self._socket.close()

    def _read_frames(self) -> None:
        me = self._reader = object()
        try:
            while self._reader is me:
                frame = self._read_frame()
                if frame is None:
                    self.close()
                    return
                self._take(frame)
        except ConnectionFailure as failure:
            self._say_goodbye(failure)
        except CompressionError as error:
            self._say_goodbye(ConnectionFailure(ErrorCode.COMPRESSION_ERROR, str(error)))
        except OSError:
            self.close()
        except Exception:  # any error must end the connection: no thread would read it
            _LOG.exception("a connection failed")
            self.close()

    def _hand_over(self) -> None:
        reader, self._reader = self._reader, None
        try:
            threading.Thread(target=self._read_frames, daemon=True).start()
        except RuntimeError as error:  # there are too many threads
            _LOG.error("requests on a connection wait for each other: %s", error)
            self._reader = reader

    def _say_goodbye(self, failure: ConnectionFailure) -> None:
        _LOG.info("connection ended: %s", failure)
        try:
            self._sender.send(self._build_goodbye(failure.code, str(failure)))
        except OSError:
            _LOG.debug("the peer closed the connection before GOAWAY")
        self.close()

    def _build_goodbye(self, code: ErrorCode, reason: str) -> bytes:
        payload = self._last_stream.to_bytes(4, "big") + code.to_bytes(4, "big")
        return build_frame(Type.GOAWAY, 0, 0, payload + reason.encode())

    def _read_exactly(self, size: int) -> bytes | None:
        if not self._fill(size):
            return None
        return self._cut(0, size)

    def _fill(self, size: int) -> bool:
        """Read until the buffer has `size` bytes; False if the peer closes the connection first."""
        while len(self._buffer) < size:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                return False
            self._buffer += data
        return True

    def _cut(self, start: int, end: int) -> bytes:
        """Remove the buffer's first `end` bytes; return those from `start` on."""
        taken = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return taken

    def _read_frame(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < HEADER_BYTES and not self._fill(HEADER_BYTES):
            return None
        length, type_, flags, stream = parse_header(buffer)
        if length > MAX_FRAME:
            raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "the frame is too long")
        end = HEADER_BYTES + length
        if len(buffer) < end and not self._fill(end):
            return None
        return Frame(type_, flags, stream, self._cut(HEADER_BYTES, end))

    def _take(self, frame: Frame) -> None:
        if self._block is not None and frame.type != Type.CONTINUATION:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a header block is not finished")
        if not self._is_greeted:
            if frame.type != Type.SETTINGS:
                raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
            self._is_greeted = True
        check_frame(frame, self._last_stream)
        take = _TAKERS.get(frame.type)
        if take is not None:
            take(self, frame)

    def _take_data(self, frame: Frame) -> None:
        self._last_used = time.monotonic()
        self._consumed += len(frame.payload)
        if self._consumed >= _WINDOW_STEP:
            self._sender.send(build_window_update(0, self._consumed))
            self._consumed = 0
        request = self._requests.get(frame.stream)
        if request is None:
            self._sender.send(build_reset(frame.stream, ErrorCode.STREAM_CLOSED))
            return
        request.body += strip_padding(frame)
        if len(request.body) > RECEIVE_WINDOW:
            raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window")
        if frame.flags & END_STREAM:
            self._finish(request)

    def _take_headers(self, frame: Frame) -> None:
        if not frame.stream % 2:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a stream id that is even")
        block = strip_padding(frame)
        if frame.flags & PRIORITY_FLAG:
            if len(block) < _PRIORITY_BYTES:
                raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a truncated priority")
            block = block[_PRIORITY_BYTES:]
        if frame.flags & END_HEADERS:
            self._end_headers(frame, block)
        else:
            self._block = (frame, bytearray(block))

    def _take_continuation(self, frame: Frame) -> None:
        if self._block is None or self._block[0].stream != frame.stream:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a CONTINUATION without HEADERS")
        first, block = self._block
        block += frame.payload
        if frame.flags & END_HEADERS or len(block) > _MAX_HEADER_BYTES:
            self._block = None
            self._end_headers(first, bytes(block))

    def _end_headers(self, frame: Frame, block: bytes) -> None:
        if len(block) > _MAX_HEADER_BYTES:
            raise ConnectionFailure(ErrorCode.ENHANCE_YOUR_CALM, "too many headers")
        headers = self._decoder.decode(block)
        request = self._requests.get(frame.stream)
        if request is None:
            request = self._begin(frame.stream, headers)
        elif not frame.flags & END_STREAM:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "trailers without END_STREAM")
        if request is not None and frame.flags & END_STREAM:
            self._finish(request)

    def _begin(self, stream: int, headers: Headers) -> StreamRequest | None:
        if stream <= self._last_stream:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a stream id that was used before")
        with self._beginning:
            if self._is_dismissed:
                # GOAWAY does not cover this request, so its client retries it elsewhere.
                return None
            self._last_stream = stream
            self._last_used = time.monotonic()
        if self._sender.open_streams >= MAX_STREAMS:
            self._sender.send(build_reset(stream, ErrorCode.REFUSED_STREAM))
            return None
        self._sender.open_stream(stream)
        self._requests[stream] = StreamRequest(stream, headers)
        return self._requests[stream]

    def _finish(self, request: StreamRequest) -> None:
        del self._requests[request.stream]
        self._last_used = time.monotonic()
        set_successor(self._hand_over)
        try:
            self._handle(request, self._sender)
        except StreamGone:
            _LOG.debug("the client no longer waits for a response on stream %d", request.stream)
            self._sender.close_stream(request.stream)
        except OSError:
            self.close()
        finally:
            set_successor(None)

    def _take_reset(self, frame: Frame) -> None:
        self._requests.pop(frame.stream, None)
        self._sender.close_stream(frame.stream)

    def _take_settings(self, frame: Frame) -> None:
        if frame.flags & ACK:
            return
        for key, value in read_settings(frame):
            if key == SettingId.INITIAL_WINDOW_SIZE:
                self._sender.set_initial_window(value)
            elif key == SettingId.MAX_FRAME_SIZE:
                self._sender.set_max_frame(value)
            elif key == SettingId.ENABLE_PUSH and value not in (0, 1):
                raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        self._sender.send(build_frame(Type.SETTINGS, ACK, 0))

    def _take_ping(self, frame: Frame) -> None:
        if not frame.flags & ACK:
            self._sender.send(build_frame(Type.PING, ACK, 0, frame.payload))

    def _take_window_update(self, frame: Frame) -> None:
        increment = int.from_bytes(frame.payload, "big") & 0x7FFF_FFFF
        self._sender.widen(frame.stream, increment)

    def _take_push(self, _frame: Frame) -> None:
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a client must not push")


_TAKERS: dict[int, Callable[[Http2Connection, Frame], None]] = {
    Type.DATA: Http2Connection._take_data,
    Type.HEADERS: Http2Connection._take_headers,
    Type.RST_STREAM: Http2Connection._take_reset,
    Type.SETTINGS: Http2Connection._take_settings,
    Type.PUSH_PROMISE: Http2Connection._take_push,
    Type.PING: Http2Connection._take_ping,
    Type.WINDOW_UPDATE: Http2Connection._take_window_update,
    Type.CONTINUATION: Http2Connection._take_continuation,
}
