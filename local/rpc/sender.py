"""The sending side of a connection: whole answers, as fast as the peer's windows allow."""

import socket
import threading

from local.rpc.frames import (
    DEFAULT_FRAME,
    DEFAULT_WINDOW,
    END_HEADERS,
    END_STREAM,
    MAX_WINDOW,
    ConnectionFailure,
    ErrorCode,
    Type,
    build_frame,
    build_reset,
)
from local.rpc.handover import about_to_block

#: Seconds that a peer may leave an answer unread.
_PATIENCE = 60.0
#: Seconds in which another thread ends its sending to a peer that reads.
_MOMENT = 0.2
_MAX_FRAME_SIZE = 2**24 - 1


class StreamGone(Exception):
    """The peer no longer wants the answer."""


class Sender:
    """Sends frames; safe for use by several threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # Entered far more often than waited on; a bare lock costs a fraction of a Condition.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._sending = threading.Lock()
        self._window = DEFAULT_WINDOW
        self._initial = DEFAULT_WINDOW
        self._max_frame = DEFAULT_FRAME
        self._streams: dict[int, int] = {}
        self._closed = False

    def send(self, data: bytes) -> None:
        """Send frames that need no window."""
        with self._sending:
            self._socket.sendall(data)

    def open_stream(self, stream: int) -> None:
        """Begin to keep account of a stream."""
        with self._lock:
            self._streams[stream] = self._initial

    def send_if_free(self, data: bytes) -> None:
        """Send a last frame, unless that would be to wait for a peer that does not read."""
        if self._sending.acquire(timeout=_MOMENT):
            try:
                self._socket.send(data, socket.MSG_DONTWAIT)
            except OSError:
                return  # The peer does not read, or is gone.
            finally:
                self._sending.release()

    @property
    def open_streams(self) -> int:
        """How many answers are still to be sent."""
        return len(self._streams)

    def close_stream(self, stream: int) -> None:
        """Forget a stream; who waits to send on it gives up."""
        with self._lock:
            self._streams.pop(stream, None)
            self._wake()

    def close(self) -> None:
        """Release all waiting threads."""
        with self._lock:
            self._closed = True
            self._wake()

    def send_answer(self, stream: int, headers: bytes, body: bytes, trailers: bytes) -> None:
        """Send an answer: header block, body, trailer block. StreamGone if the client has left."""
        start = build_frame(Type.HEADERS, END_HEADERS, stream, headers)
        end = build_frame(Type.HEADERS, END_HEADERS | END_STREAM, stream, trailers)
        at = 0
        if len(body) > DEFAULT_FRAME:
            about_to_block()
        while at < len(body):
            size = self._take_window(stream, len(body) - at)
            frame = build_frame(Type.DATA, 0, stream, body[at : at + size])
            at += size
            self.send(start + frame + (end if at == len(body) else b""))
            start = b""
        self.close_stream(stream)

    def send_refusal(self, stream: int, headers: bytes) -> None:
        """Send an answer without a body."""
        self.send(build_frame(Type.HEADERS, END_HEADERS | END_STREAM, stream, headers))
        self.close_stream(stream)

    def _take_window(self, stream: int, wanted: int) -> int:
        with self._lock:
            while True:
                own = self._streams.get(stream)
                if own is None or self._closed:
                    raise StreamGone
                size = min(wanted, own, self._window, self._max_frame)
                if size > 0:
                    self._streams[stream] = own - size
                    self._window -= size
                    return size
                about_to_block()
                self._waiting += 1
                woken = self._changed.wait(_PATIENCE)
                self._waiting -= 1
                if not woken:
                    break
        self.send(build_reset(stream, ErrorCode.CANCEL))
        raise StreamGone

    def _wake(self) -> None:
        if self._waiting:
            self._changed.notify_all()

    def widen(self, stream: int, increment: int) -> None:
        """Note that the peer takes more, on one stream or (0) on all together."""
        if increment == 0:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a window widened by nothing")
        with self._lock:
            if stream == 0:
                self._window += increment
            elif stream in self._streams:
                self._streams[stream] += increment
            if max(self._window, self._streams.get(stream, 0)) > MAX_WINDOW:
                raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window too wide")
            self._wake()

    def set_initial_window(self, size: int) -> None:
        """Note the peer's window for each stream, those under way included."""
        if size > MAX_WINDOW:
            raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window too wide")
        with self._lock:
            for stream in self._streams:
                self._streams[stream] += size - self._initial
            self._initial = size
            if max(self._streams.values(), default=0) > MAX_WINDOW:
                raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window too wide")
            self._wake()

    def set_max_frame(self, size: int) -> None:
        """Note how long a frame the peer takes."""
        if not DEFAULT_FRAME <= size <= _MAX_FRAME_SIZE:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "an improper frame size")
        with self._lock:
            self._max_frame = size
