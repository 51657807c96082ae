"""GOAWAY: the last stream that is handled, and why the connection ends."""

import socket
import time

from local.rpc.connection import Http2Connection
from local.rpc.frames import PREFACE, ErrorCode, Type, build_frame, build_settings
from local.rpc.listener import Listener, serve_pages
from tests.contract.local_rpc.conftest import Server
from tests.contract.local_rpc.peer import PING, Peer, data, headers, window
from tests.contract.local_rpc.test_listener import refuse
from tests.contract.local_rpc.test_windows import HELLO, WAIT
from tests.support.wait import wait_until


def test_a_goaway_names_the_last_stream_that_began(port: int) -> None:
    with Peer(port) as peer:
        peer.send(headers(7), data(7, HELLO))
        assert peer.read_answer(7)[1] == HELLO
        peer.send(headers(8))
        goodbye = (ErrorCode.PROTOCOL_ERROR, 7, "a stream id that is even")
        assert peer.read_goodbye() == goodbye


def test_requests_are_answered_after_a_peers_goaway(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.send(headers(1, fields=WAIT), data(1, HELLO))
        peer.send(build_frame(Type.GOAWAY, 0, 0, bytes(8) + b"I am done"))
        peer.read_until_pong()
        server.may_go.set()
        assert peer.read_answer(1)[1] == HELLO


def test_a_protocol_error_affects_no_other_connection(port: int) -> None:
    with Peer(port) as other, Peer(port) as peer:
        peer.send(window(0, 0))
        assert peer.read_goodbye()[0] == ErrorCode.PROTOCOL_ERROR
        other.send(headers(1), data(1, HELLO))
        assert other.read_answer(1)[1] == HELLO


def make_small() -> Listener:
    made = Listener("127.0.0.1", 0, most=1)
    made.start(refuse, serve_pages({}))
    return made


def test_an_idle_connection_ends_with_no_error_and_its_last_stream() -> None:
    listener = make_small()
    with Peer(listener.port) as first:
        first.send(headers(5), data(5, HELLO))
        first.read_until_pong()
        with Peer(listener.port):
            assert first.read_goodbye() == (ErrorCode.NO_ERROR, 5, "idle")
    listener.stop()


def test_a_request_that_the_goaway_does_not_cover_is_not_handled() -> None:
    # Its client retries it by itself: if it were handled here too, it would happen twice.
    ours, theirs = socket.socketpair()
    handled: list[int] = []
    first = PREFACE + build_settings() + headers(1) + data(1, HELLO)
    connection = Http2Connection(
        ours, lambda request, _: handled.append(request.stream), first, lambda _: None
    )
    close, connection.close = connection.close, lambda: None  # type: ignore[method-assign]
    connection.dismiss()
    theirs.shutdown(socket.SHUT_WR)
    connection.serve()
    assert handled == []
    close()
    theirs.close()


def test_a_connection_with_an_unfinished_request_is_idle() -> None:
    listener = make_small()
    with Peer(listener.port) as first:
        first.send(headers(1))
        first.read_until_pong()
        with Peer(listener.port):
            assert first.read_goodbye()[:2] == (ErrorCode.NO_ERROR, 1)
    listener.stop()


def test_a_peer_that_reads_nothing_is_disconnected_without_waiting() -> None:
    listener = make_small()
    with Peer(listener.port) as deaf:
        deaf._socket.settimeout(0.3)
        fill(deaf)
        with Peer(listener.port) as second:
            began = time.monotonic()
            second.send(headers(1), data(1, HELLO))
            second.read_until_pong()
            assert time.monotonic() - began < 4
        wait_until(lambda: not listener._connections)
    listener.stop()


def fill(peer: Peer) -> None:
    """Send pings until their unread answers fill every buffer on the way."""
    peer._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        while True:
            peer.send(PING * 10_000)
    except TimeoutError:
        return
