"""HTTP/1.1 and gRPC on one port, with clients that are slow, faulty or of another site."""

import contextlib
import socket
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from local.rpc import http1
from local.rpc.http1 import HttpRequest, HttpResponse, render_text
from local.rpc.listener import Listener
from tests.contract.local_rpc.test_listener import refuse
from tests.support.wait import wait_until


def tell(request: HttpRequest) -> HttpResponse:
    """Answer with the parsed request."""
    if request.path == "/raise":
        raise ValueError("a\r\nX-Injected: yes")
    said = f"{request.method} {request.path} {request.query} {request.body.decode()}"
    return HttpResponse(HTTPStatus.OK, said.encode(), headers={"X-Own": "1"})


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    made = Listener("127.0.0.1", 0)
    made.start(refuse, tell)
    yield made
    made.stop()


@pytest.fixture
def client(listener: Listener) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=5) as opened:
        yield opened


def read_all(client: socket.socket) -> bytes:
    client.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: client.recv(65536), b""))


def exchange(client: socket.socket, data: bytes) -> bytes:
    """Send only these bytes; return the whole answer."""
    client.sendall(data)
    return read_all(client)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    if body:
        headers = (*headers, f"Content-Length: {len(body)}")
    return "\r\n".join((f"{line} HTTP/1.1", "Host: localhost:1", *headers, "", "")).encode() + body


def test_requests_sent_at_once_are_answered_in_their_order(client: socket.socket) -> None:
    answers = exchange(client, b"".join(request(f"GET /{n}") for n in range(5)))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 5
    places = [answers.index(b"GET /%d" % n) for n in range(5)]
    assert places == sorted(places)


def test_a_connection_is_kept_for_the_next_request_unless_the_client_ends_it(
    client: socket.socket,
) -> None:
    for n in range(3):
        client.sendall(request(f"GET /{n}"))
        assert b"GET /%d" % n in client.recv(65536)
    client.sendall(request("GET /last", "Connection: close"))
    answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert b"connection: close" in answer.lower()


def test_a_client_of_http_1_0_is_answered_and_its_connection_ended(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert b"".join(iter(lambda: client.recv(65536), b"")).startswith(b"HTTP/1.1 200 OK")


def test_head_is_answered_with_the_length_and_without_the_body(client: socket.socket) -> None:
    answers = exchange(client, request("HEAD /a") + request("GET /b"))
    head, _, rest = answers.partition(b"\r\n\r\n")
    assert b"Content-Length: 9" in head
    assert rest.startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_expects_100_continue_sends_its_body(client: socket.socket) -> None:
    client.sendall(request("POST /", "Expect: 100-continue", "Content-Length: 2"))
    assert client.recv(65536).startswith(b"HTTP/1.1 100")
    assert b"POST /  ok" in exchange(client, b"ok")


@pytest.mark.parametrize(
    "chunks", [b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", b"5\r\nabcde\r\n0\r\nT: v\r\n\r\n"]
)
def test_a_chunked_body_is_joined(client: socket.socket, chunks: bytes) -> None:
    head = request("POST /", "Transfer-Encoding: chunked")
    assert b"POST /  abcde" in exchange(client, head + chunks)


@pytest.mark.parametrize("expects", [(), ("Expect: 100-continue",)])
def test_a_body_with_too_large_a_length_is_refused_before_it_is_sent(
    client: socket.socket, expects: tuple[str, ...]
) -> None:
    client.sendall(request("POST /", f"Content-Length: {http1.MAX_BODY + 1}", *expects))
    assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_too_large_a_body_gets_the_reason(
    client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1, "MAX_BODY", 1000)
    body = bytes(1_000_000)
    answer = exchange(client, request("POST /", body=body) + request("GET /next"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the body has more than 1000 bytes" in answer
    assert b"/next" not in answer


def test_a_client_that_sends_too_many_chunks_gets_the_reason(
    client: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1, "MAX_BODY", 1000)
    chunks = b"3e8\r\n" + bytes(1000) + b"\r\n"
    answer = exchange(client, request("POST /", "Transfer-Encoding: chunked") + chunks * 500)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("line", ["POST /slow", "PRI /slow", "GET /slow"])
def test_a_request_may_come_byte_by_byte(client: socket.socket, line: str) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in request(line, body=b"ab"):
        client.sendall(bytes([byte]))
    assert f"{line}  ab".encode() in read_all(client)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (request("GET /a b"), b"400"),
        (request("POST /", "Content-Length: -1"), b"400"),
        (request("POST /", "Content-Length: 1", "Content-Length: 2"), b"400"),
        (request("POST /", "Transfer-Encoding: gzip"), b"501"),
        (request("GET /", "A: " + "b" * 300_000), b"431"),
        (request("GET /", "A : b"), b"400"),
        (request("POST /", "Transfer-Encoding: chunked") + b"zz\r\n", b"400"),
        (request("POST /", "Content-Length: 5") + b"abc", b"400"),
    ],
)
def test_an_invalid_request_is_refused_and_ends_the_connection(
    client: socket.socket, data: bytes, status: bytes
) -> None:
    answer = exchange(client, data)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in answer.lower()


def test_a_silent_client_gets_no_answer(client: socket.socket) -> None:
    assert read_all(client) == b""


def test_the_text_of_an_error_stays_in_the_body(client: socket.socket) -> None:
    head, _, body = exchange(client, request("GET /raise")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert b"X-Injected" not in head
    assert body == b"a\r\nX-Injected: yes\n"


def test_a_newline_in_a_path_adds_no_header(client: socket.socket) -> None:
    head, _, body = exchange(client, request("GET /%0d%0aX-Injected:%20yes")).partition(b"\r\n\r\n")
    assert b"X-Injected" not in head
    assert body == b"GET /%0d%0aX-Injected:%20yes  "


@pytest.mark.parametrize(
    ("headers", "is_answered"),
    [
        ((), True),
        (("Origin: http://localhost:1",), True),
        (("Sec-Fetch-Site: same-origin", "Origin: http://localhost:1"), True),
        (("Sec-Fetch-Site: none",), True),
        (("Origin: http://localhost:2",), False),
        (("Origin: https://localhost:1",), False),
        (("Origin: http://evil.example",), False),
        (("Origin: null",), False),
        (("Sec-Fetch-Site: cross-site",), False),
        (("Sec-Fetch-Site: same-site", "Origin: http://localhost:1"), False),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    client: socket.socket, headers: tuple[str, ...], is_answered: bool
) -> None:
    answers = exchange(client, request("POST /reset", *headers) + request("GET /read", *headers))
    assert (b"POST /reset" in answers) is is_answered
    assert b"GET /read" in answers


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        ("localhost", True),
        ("LOCALHOST:8081", True),
        ("127.0.0.1:8081", True),
        ("[::1]:8081", True),
        ("evil.example", False),
        ("evil.example:8081", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1:80@evil.example", False),
        ("192.168.0.2:8081", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_with_a_rebound_name_is_refused(
    client: socket.socket, method: str, host: str, is_answered: bool
) -> None:
    origin = f"Origin: http://{host}\r\n" if method == "POST" else ""
    answer = exchange(client, f"{method} /page HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 " if is_answered else b"HTTP/1.1 403 ")
    assert (f"{method} /page".encode() in answer) is is_answered


@pytest.mark.parametrize("line", ["POST /", "GET /"])
def test_a_body_that_is_too_slow_is_refused(
    client: socket.socket, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(http1, "_PATIENCE", 0.3)
    client.sendall(request(line, "Content-Length: 1000"))
    client.settimeout(0.05)
    for _ in range(100):
        client.sendall(b"x")
        with contextlib.suppress(TimeoutError):
            assert client.recv(65536).startswith(b"HTTP/1.1 408 ")
            return
    pytest.fail("the body may take as long as it likes")


def test_a_request_that_never_ends_is_dropped_for_others() -> None:
    small = Listener("127.0.0.1", 0, most=1)
    small.start(refuse, lambda _: render_text(HTTPStatus.OK, "Ok"))
    address = ("127.0.0.1", small.port)
    with (
        socket.create_connection(address, 5) as slow,
        socket.create_connection(address, 5) as quick,
    ):
        slow.sendall(request("POST /", "Content-Length: 5") + b"abc")
        wait_until(lambda: len(small._connections) == 1)
        quick.sendall(request("GET /"))
        assert quick.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert slow.recv(65536) == b""
    small.stop()
