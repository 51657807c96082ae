"""The answers of a worker: each is parsed, or has a reason why it is invalid."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from local.http.client import ConnectionPool
from local.http.messages import Answer, Request


def deliver(said: bytes, method: str = "POST") -> Answer:
    """Return the result of a request that gets these bytes, and then a closed connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async def send() -> Answer:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        pool = ConnectionPool()
        try:
            return await pool.send(Request(method, url, {}, b""), 30)
        finally:
            pool.close()
            server.close()

    return asyncio.run(send())


@pytest.mark.parametrize(
    "said",
    [
        *(b"", b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"),
        *(b"HTTP/1.1 \xb200 OK\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello",
    ],
)
def test_an_incomplete_answer_is_a_failure_with_its_reason(said: bytes) -> None:
    answer = deliver(said)
    assert (answer.status, answer.succeeded, answer.timed_out) == (0, False, False)
    assert answer.failure


@pytest.mark.parametrize(
    "said",
    [
        *(b"HTTP/1.1 200\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    ],
)
def test_an_answer_is_judged_by_its_status(said: bytes) -> None:
    assert deliver(said) == Answer(200)


def test_a_late_answer_differs_from_a_broken_connection() -> None:
    writers: list[asyncio.StreamWriter] = []  # a garbage-collected one closes its connection

    async def send() -> Answer:
        keep = writers.append
        server = await asyncio.start_server(lambda _, writer: keep(writer), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        pool = ConnectionPool()
        answer = await pool.send(Request("POST", url, {}, b""), 0.05)
        pool.close()
        server.close()
        for each in writers:
            each.close()
        return answer

    answer = asyncio.run(send())
    assert (answer.status, answer.timed_out) == (0, True)
    assert "no response within 0.05 s" in answer.failure


IN_A_MINUTE = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)


@pytest.mark.parametrize(
    ("header", "shortest", "longest"),
    [
        *(("120", 120, 120), ("0", 0, 0)),
        pytest.param(IN_A_MINUTE, 0, 60, id="in a minute"),
        ("Tue, 01 Jan 2030 00:00:00 GMT", 0, 10**9),
        *(("soon", 0, 0), ("-5", 0, 0), ("\xb2", 0, 0), ("9" * 5000, 0, 0), ("1.5", 0, 0)),
        ("Fri, 31 Dec 9999 23:59:59 -1200", 0, 10**12),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str, shortest: float, longest: float) -> None:
    said = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n"
    assert shortest <= deliver(said.encode("latin-1")).retry_after <= longest
