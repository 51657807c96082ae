"""Checks which frames a client may send, on what stream and how long (RFC 9113, section 6)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from local.rpc.frames import ACK, ConnectionFailure, ErrorCode, Frame, Type


class _Form(NamedTuple):
    on_stream: bool | None = None
    length: int | None = None


#: Whether a frame type belongs to a stream, to the connection, or (None) to either.
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
#: Plain integers, because comparing enum members takes longer.
_HEADERS: Final = int(Type.HEADERS)
_WINDOW_UPDATE: Final = int(Type.WINDOW_UPDATE)
_INCREMENT_BYTES: Final = 4
_GOAWAY_BYTES: Final = 8


def check_frame(frame: Frame, last_stream: int) -> None:
    """Raise ConnectionFailure for a frame that a client must not send.

    `last_stream` is the client's latest stream. Later streams are idle, and even ones belong to the
    server, which opens none. Frames of unknown types are not checked.
    """
    type_, _, stream, payload = frame
    # Fast path: nearly all frames are valid HEADERS, DATA or WINDOW_UPDATE.
    if stream and type_ == _HEADERS:
        return
    if stream <= last_stream and (stream % 2 or not stream):
        if stream and not type_:
            return
        if type_ == _WINDOW_UPDATE and len(payload) == _INCREMENT_BYTES:
            return
    form = _FORMS.get(frame.type, _ANY)
    if form.on_stream is not None and form.on_stream != bool(frame.stream):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a frame on the wrong stream")
    if form.length is not None and form.length != len(frame.payload):
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a frame of the wrong length")
    if frame.type in _OF_BEGUN_STREAMS and _is_idle(frame.stream, last_stream):
        raise ConnectionFailure(ErrorCode.PROTOCOL_ERROR, "a frame on an idle stream")
    if frame.type == Type.SETTINGS and frame.flags & ACK and frame.payload:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a SETTINGS ACK with a payload")
    if frame.type == Type.GOAWAY and len(frame.payload) < _GOAWAY_BYTES:
        raise ConnectionFailure(ErrorCode.FRAME_SIZE_ERROR, "a truncated GOAWAY")


_OF_BEGUN_STREAMS: Final = frozenset({Type.DATA, Type.RST_STREAM, Type.WINDOW_UPDATE})


def _is_idle(stream: int, last_stream: int) -> bool:
    return stream > last_stream or (stream != 0 and stream % 2 == 0)
