"""The fast path through HTTP/1.1 gives the same result as h11, or is not taken."""

from urllib.parse import urlsplit

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.http.messages import Request, list_headers, target_of
from local.http.plain import encode_plain, read_plain

URL = "http://127.0.0.1:8083/run-saga-step?a=b"
HEAD = b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nConnection: keep-alive\r\n"
TEXTS = st.text(st.characters(max_codepoint=300), max_size=6)


def encode_by_h11(request: Request) -> bytes | None:
    url, state = urlsplit(request.url), h11.Connection(h11.CLIENT)
    try:
        head = h11.Request(
            method=request.method, target=target_of(url), headers=list_headers(request, url)
        )
        events = (head, h11.Data(data=request.body), h11.EndOfMessage())
        return b"".join(state.send(event) or b"" for event in events)
    except (h11.LocalProtocolError, UnicodeEncodeError):
        return None


@given(st.dictionaries(TEXTS, TEXTS, max_size=3), st.sampled_from(["POST", "GET", "HEAD"]), TEXTS)
def test_the_fast_path_writes_the_same_bytes_as_h11(
    headers: dict[str, str], method: str, path: str
) -> None:
    body = b"{}" if method == "POST" else b""
    request = Request(method, "http://127.0.0.1:1/" + path.replace("#", ""), headers, body)
    plain = encode_plain(request, urlsplit(request.url))
    assert plain in (None, encode_by_h11(request))


def test_a_delivery_takes_the_fast_path() -> None:
    request = Request("POST", URL, {"X-CloudTasks-QueueName": "sagas", "X-Empty": ""}, b"{}")
    assert encode_plain(request, urlsplit(URL)) == encode_by_h11(request)


def test_a_complete_answer_takes_the_fast_path() -> None:
    answer = read_plain(HEAD + b"Retry-After: 7\r\nContent-Length: 2\r\n\r\n{}")
    assert answer is not None
    assert (answer.status, answer.retry_after, answer.succeeded) == (200, 7.0, True)


@pytest.mark.parametrize(
    "received",
    [
        b"",
        HEAD,
        HEAD + b"Content-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\n\r\n{}{",
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"\r\n{}",
        HEAD + b"Content-Length : 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        HEAD + b" folded\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        HEAD.replace(b"keep-alive", b"close") + b"Content-Length: 2\r\n\r\n{}",
        HEAD.replace(b"1.1", b"1.0") + b"Content-Length: 2\r\n\r\n{}",
        HEAD.replace(b"200", b"101") + b"Content-Length: 0\r\n\r\n",
        HEAD.replace(b"200", b"204") + b"Content-Length: 0\r\n\r\n",
    ],
)
def test_an_unusual_answer_is_left_to_h11(received: bytes) -> None:
    assert read_plain(received) is None
