"""Unsupported features are refused as the standards say, and never half done."""

import pytest

from local.rpc.frames import END_HEADERS, END_STREAM, Type, build_frame
from tests.contract.local_rpc.peer import CALL, Peer, data, headers
from tests.contract.local_rpc.test_windows import HELLO


def replaced(**changed: bytes) -> list[tuple[bytes, bytes]]:
    names = {b":method": "method", b":path": "path", b"content-type": "kind"}
    return [(name, changed.get(names.get(name, ""), value)) for name, value in CALL]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (replaced(method=b"CONNECT"), b"405"),
        ([(b":method", b"CONNECT"), (b":authority", b"x:1")], b"405"),
        (replaced(method=b"GET"), b"405"),
        (replaced(kind=b"application/json"), b"415"),
        (CALL[:4], b"415"),
        ((), b"405"),
    ],
)
def test_a_call_that_is_not_grpc_is_refused_with_a_status(
    port: int, fields: list[tuple[bytes, bytes]], status: bytes
) -> None:
    with Peer(port) as peer:
        peer.send(headers(1, END_HEADERS | END_STREAM, fields))
        assert peer.read_answer(1) == ({b":status": status}, b"")
        peer.send(headers(3), data(3, HELLO))
        assert peer.read_answer(3)[1] == HELLO


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\x01\0\0\0\x07" + HELLO, b"12"),
        (b"\0\0\0\0\x08" + HELLO, b"3"),
        (b"\0\0\0\0\x06" + HELLO, b"3"),
        ((b"\0\0\0\0\x07" + HELLO) * 2, b"3"),
        (b"\0\0\0", b"3"),
        (b"", b"3"),
        (b"\0\0\0\0\x02\xff\xff", b"3"),
    ],
)
def test_a_body_other_than_one_uncompressed_message_is_refused(
    port: int, body: bytes, status: bytes
) -> None:
    with Peer(port) as peer:
        peer.send(headers(1), build_frame(Type.DATA, END_STREAM, 1, body))
        assert peer.read_answer(1)[0][b"grpc-status"] == status


def test_an_unknown_method_is_unimplemented_and_its_name_escaped(port: int) -> None:
    with Peer(port) as peer:
        peer.send(headers(1, fields=replaced(path="/é%\n".encode())), data(1, HELLO))
        fields, _ = peer.read_answer(1)
        assert fields[b"grpc-status"] == b"12"
        assert fields[b"grpc-message"] == b"Method not found: /%C3%A9%25%0A"


def test_trailers_of_a_request_are_ignored(port: int) -> None:
    trailers = headers(1, END_HEADERS | END_STREAM, [(b":path", b"/other"), (b"x", b"y")])
    with Peer(port) as peer:
        peer.send(headers(1), data(1, HELLO, flags=0), trailers)
        assert peer.read_answer(1)[1] == HELLO
