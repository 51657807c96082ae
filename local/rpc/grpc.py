"""gRPC over HTTP/2: finds a request's method, parses its message, and sends the response."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from local.rpc.connection import StreamRequest
from local.rpc.errors import Code, InvalidArgument, ServiceError, Unavailable, Unimplemented
from local.rpc.hpack import encode
from local.rpc.sender import Sender

S = TypeVar("S")
T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_PREFIX_BYTES = 5
_GRPC = b"application/grpc"
_START = [(b":status", b"200"), (b"content-type", _GRPC)]
_HEADERS = encode(_START)
_OK = encode([(b"grpc-status", b"0")])
_NOT_POST = encode([(b":status", b"405")])
_NOT_GRPC = encode([(b":status", b"415")])
_UNESCAPED = frozenset(range(0x20, 0x7F)) - {0x25}


class Method(NamedTuple):
    """One unary method: its request's class, and the function that returns the response."""

    message: Any
    call: Callable[[Any], Any]


class RpcDispatcher:
    """Calls methods from a table, whose keys are paths: ``/service/Method``."""

    def __init__(self, methods: Mapping[bytes, Method], max_message: int) -> None:
        self._methods = methods
        self._max_message = max_message
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._active = 0
        self._stopping = False

    def stop(self, grace: timedelta) -> None:
        """Refuse new requests, and wait up to `grace` for those in progress."""
        with self._lock:
            self._stopping = True
            self._ended.wait_for(lambda: self._active == 0, grace.total_seconds())

    def handle(self, request: StreamRequest, sender: Sender) -> None:
        """Answer one gRPC request with a message or an error."""
        fields = dict(request.headers)
        unfit = _find_unfit(fields)
        if unfit is not None:
            sender.send_refusal(request.stream, unfit)
            return
        try:
            body = self.answer(fields.get(b":path", b""), self._call, request.body)
        except ServiceError as error:
            _refuse(request, sender, error.code, str(error))
        else:
            prefixed = b"\x00" + len(body).to_bytes(4, "big") + body
            sender.send_answer(request.stream, _HEADERS, prefixed, _OK)

    def answer(self, path: bytes, use: Callable[[Method, S], T], request: S) -> T:
        """Return what `use` returns for the method at a path and a request.

        Raises the method's ServiceError, or logs any other exception and raises INTERNAL.
        """
        with self._lock:
            self._active += 1
        try:
            if self._stopping:
                raise Unavailable("The server is stopping.")
            method = self._methods.get(path)
            if method is None:
                raise Unimplemented(f"Method not found: {path.decode(errors='replace')}")
            return use(method, request)
        except ServiceError:
            raise
        except Exception as error:
            if self._stopping:
                # The method lost its store or its locks halfway, and wrote nothing.
                raise Unavailable("The server is stopping.") from error
            _LOG.exception("%r failed", path)
            raise ServiceError("internal error; see the server's log") from error
        finally:
            with self._lock:
                self._active -= 1
                if self._stopping:
                    self._ended.notify_all()

    def _call(self, method: Method, request: bytearray) -> bytes:
        data = self._read_message(request)
        try:
            message = method.message.FromString(data)
        except Exception as error:
            raise InvalidArgument("The request cannot be parsed.") from error
        body: bytes = method.call(message).SerializeToString()
        return body

    def _read_message(self, body: bytearray) -> bytes:
        length = int.from_bytes(body[1:_PREFIX_BYTES], "big")
        if len(body) < _PREFIX_BYTES or len(body) != _PREFIX_BYTES + length:
            raise InvalidArgument("The request is not exactly one message.")
        if body[0]:
            raise Unimplemented("Compressed messages are not supported.")
        if length > self._max_message:
            raise InvalidArgument(
                f"Request payload size exceeds the limit: {self._max_message} bytes."
            )
        return bytes(body[_PREFIX_BYTES:])


def _find_unfit(fields: Mapping[bytes, bytes]) -> bytes | None:
    """Return the response to a request that is not gRPC; None if it is gRPC."""
    if fields.get(b":method") != b"POST":
        return _NOT_POST
    return None if fields.get(b"content-type", b"").startswith(_GRPC) else _NOT_GRPC


def _refuse(request: StreamRequest, sender: Sender, code: Code, detail: str) -> None:
    message = "".join(
        chr(byte) if byte in _UNESCAPED else f"%{byte:02X}" for byte in detail.encode()
    )
    trailers = [(b"grpc-status", str(int(code)).encode()), (b"grpc-message", message.encode())]
    sender.send_refusal(request.stream, _HEADERS + encode(trailers))
