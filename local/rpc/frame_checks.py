"""Which frames a client may send: on what stream, and how long (RFC 9113, section 6)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from local.rpc.frames import ACK, ConnectionFailure, ErrorCode, Frame, Type


class _Form(NamedTuple):
    on_stream: bool | None = None
    length: int | None = None


#: Whether a type of frame is about one stream, about the connection, or (None) about either.
_FORMS: Final[Mapping[int, _Form]] = {
    Type.DATA: _Form(on_stream=True),
    Type.HEADERS: _Form(on_stream=True),
    Type.PRIORITY: _Form(on_stream=True, length=5),
    Type.RST_STREAM: _Form(on_stream=True, length=4),
    Type.SETTINGS: _Form(on_stream=False),
    Type.PUSH_PROMISE: _Form(),
    Type.PING: _Form(on_stream=False, length=8),
    Type.GOAWAY: _Form(on_stream=False),
    Type.WINDOW_UPDATE: _Form(length=4),
    Type.CONTINUATION: _Form(on_stream=True),
}
_ANY: Final = _Form()
#: Plain, for a member of an enum takes longer to compare.
_HEADERS: Final = int(Type.HEADERS)
_WINDOW_UPDATE: Final = int(Type.WINDOW_UPDATE)
_INCREMENT_BYTES: Final = 4
_GOAWAY_BYTES: Final = 8


def check_frame(frame: Frame, last_stream: int) -> None:
    """Raise ConnectionFailure for a frame that no client may send.

    `last_stream` is the client's latest stream: a later one is still idle, and an even one would
    be the server's, which begins none. Frames of an unknown type may be anything.
    """
    type_, _, stream, payload = frame
    # Nearly all frames are of headers, of data or of windows, and on the right stream.
    if stream and type_ == _HEADERS:
        return
    if stream <= last_stream and (stream % 2 or not stream):
        if stream and not type_:
            return
        if type_ == _WINDOW_UPDATE and len(payload) == _INCREMENT_BYTES:
            return
    form = _FORMS.get(frame.type, _ANY)
    if form.on_stream is not None and form.on_stream != bool(frame.stream):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a frame on an improper stream")
    if form.length is not None and form.length != len(frame.payload):
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a frame of an improper length")
    if frame.type in _OF_BEGUN_STREAMS and _is_idle(frame.stream, last_stream):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a frame on a stream not begun")
    if frame.type == Type.SETTINGS and frame.flags & ACK and frame.payload:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "settings acknowledged with settings")
    if frame.type == Type.GOAWAY and len(frame.payload) < _GOAWAY_BYTES:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a goodbye that is cut off")


_OF_BEGUN_STREAMS: Final = frozenset({Type.DATA, Type.RST_STREAM, Type.WINDOW_UPDATE})


def _is_idle(stream: int, last_stream: int) -> bool:
    return stream > last_stream or (stream != 0 and stream % 2 == 0)
