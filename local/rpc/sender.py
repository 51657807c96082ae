"""The sending side of an HTTP/2 connection: sends responses as fast as flow control allows."""

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

#: Seconds that a peer may leave a response unread.
_PATIENCE = 60.0
#: Seconds that another thread takes at most to send, if the peer reads.
_MOMENT = 0.2
_MAX_FRAME_SIZE = 2**24 - 1


class StreamGone(Exception):
    """The peer no longer wants the response."""


class Sender:
    """Sends frames. Thread-safe."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # Threads rarely wait here, and entering a lock costs a fraction of entering a Condition.
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
        """Send frames that are not subject to flow control."""
        with self._sending:
            self._socket.sendall(data)

    def open_stream(self, stream: int) -> None:
        """Start tracking a stream's window."""
        with self._lock:
            self._streams[stream] = self._initial

    def send_if_free(self, data: bytes) -> None:
        """Send a last frame, unless the peer does not read."""
        if self._sending.acquire(timeout=_MOMENT):
            try:
                self._socket.send(data, socket.MSG_DONTWAIT)
            except OSError:
                return  # The peer does not read, or is gone.
            finally:
                self._sending.release()

    @property
    def open_streams(self) -> int:
        """The number of responses that are still to be sent."""
        return len(self._streams)

    def close_stream(self, stream: int) -> None:
        """Forget a stream; a thread that waits to send on it gives up."""
        with self._lock:
            self._streams.pop(stream, None)
            self._wake()

    def close(self) -> None:
        """Release all waiting threads."""
        with self._lock:
            self._closed = True
            self._wake()

    def send_answer(self, stream: int, headers: bytes, body: bytes, trailers: bytes) -> None:
        """Send header block, body and trailer block; StreamGone if the client has given up."""
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
        """Send a response without a body."""
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
        """Widen the peer's window, of one stream or (0) of the connection."""
        if increment == 0:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a window increment of 0")
        with self._lock:
            if stream == 0:
                self._window += increment
            elif stream in self._streams:
                self._streams[stream] += increment
            if max(self._window, self._streams.get(stream, 0)) > MAX_WINDOW:
                raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large")
            self._wake()

    def set_initial_window(self, size: int) -> None:
        """Set the peer's initial window of each stream, open streams included."""
        if size > MAX_WINDOW:
            raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large")
        with self._lock:
            for stream in self._streams:
                self._streams[stream] += size - self._initial
            self._initial = size
            if max(self._streams.values(), default=0) > MAX_WINDOW:
                raise ConnectionFailure(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large")
            self._wake()

    def set_max_frame(self, size: int) -> None:
        """Set the maximum length of a frame that the peer accepts."""
        if not DEFAULT_FRAME <= size <= _MAX_FRAME_SIZE:
            raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "an invalid maximum frame size")
        with self._lock:
            self._max_frame = size
