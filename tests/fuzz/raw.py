"""Malformed bytes at each port of both servers, and malformed answers of a worker.

Sessions are composed of valid HTTP/2 frames, or HTTP/1.1 lines, and then
mutated; they are sent in pieces, and the sender may disconnect at any time.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import grpc

from local.datastore.api import server as datastore
from local.datastore.encoding.messages import get_message_class
from local.http.client import ConnectionPool
from local.http.messages import Answer, Request
from local.rpc.frames import (
    PREFACE,
    build_frame,
    build_settings,
)
from local.rpc.hpack import encode
from local.tasks.embedded import serve as serve_tasks
from local.tasks.v2.messages import load_message
from tests.fuzz.mutation import change_bytes
from tests.fuzz.rounds import PATIENCE, call

_DATASTORE = "/google.datastore.v1.Datastore/Lookup"
_TASKS = "/google.cloud.tasks.v2.CloudTasks/ListQueues"
_LOOKUP = get_message_class("LookupRequest")(project_id="x").SerializeToString()
_LIST = load_message("ListQueuesRequest")(parent="projects/p/locations/l").SerializeToString()
_PAGES = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /oauth2/v1/certs HTTP/1.0\r\n\r\n",
    b"POST /reset HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
)
_ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.0 204 None\r\nRetry-After: Tue, 01 Jan 2030 0:0:0 GMT\r\n\r\n",
    b"HTTP/1.1 307 Away\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;a=b\r\nok\r\n0\r\n\r\n",
)
#: The time limit for a worker's answer in seconds; it always needs less.
_DEADLINE = 30.0


class RawBytes:
    """Sends bytes to the servers' ports, and checks each time that they still serve."""

    def __init__(self, data: Path) -> None:
        self._threads = threading.active_count()
        self._datastore = datastore.serve(data / "datastore")
        self._tasks = serve_tasks(data / "tasks")
        self._channels = [
            grpc.insecure_channel(host) for host in (self._datastore.host, self._tasks.address)
        ]
        self._workers = _Workers()
        page = int(self._tasks.page_url.split(":")[2].strip("/"))
        self._ports = (self._datastore.port, self._tasks.port, page)

    def fuzz_once(self, random: Random) -> None:
        """Send something to one of the ports, or answer a delivery."""
        target = random.randrange(4)
        if target == 3:
            self._workers.answer(_change(random.choice(_ANSWERS), random), random)
            return
        path, message = (_TASKS, _LIST) if target else (_DATASTORE, _LOOKUP)
        plain = target == 2 or random.randrange(8) == 7
        session = random.choice(_PAGES) if plain else _draw_session(path, message, random)
        _send(self._ports[target], _change(session, random), random)
        for channel, (path, message) in zip(
            self._channels, ((_DATASTORE, _LOOKUP), (_TASKS, _LIST)), strict=True
        ):
            assert call(channel, path, message) is not None, "a proper request is refused"

    def close(self) -> None:
        """End the servers; raise AssertionError if one of their threads continues."""
        for channel in self._channels:
            channel.close()
        self._workers.close()
        self._datastore.stop()
        self._tasks.stop()
        ends = time.monotonic() + PATIENCE
        while threading.active_count() > self._threads:
            assert time.monotonic() < ends, f"still there: {threading.enumerate()}"
            time.sleep(0.01)


class _Workers:
    """Deliveries of the dispatcher to a worker with given answers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._pool = ConnectionPool()
        self._answer = b""
        self._cut = 0
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self._url = f"http://127.0.0.1:{port}/"

    def answer(self, data: bytes, random: Random) -> None:
        """Deliver once, and answer with these bytes."""
        self._answer, self._cut = data, random.randint(0, len(data))
        method = random.choice(("POST", "HEAD", "GET"))
        request = Request(method, self._url, {"a": "b"}, b"{}" if method == "POST" else b"")
        answer = self._run(self._pool.send(request, _DEADLINE))
        assert isinstance(answer, Answer)
        assert not answer.timed_out, f"{data!r} is waited for, though its sender is gone"

    def close(self) -> None:
        """End the worker and its thread."""
        self._loop.call_soon_threadsafe(self._pool.close)
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer[: self._cut])
            await writer.drain()
            writer.write(self._answer[self._cut :])
        writer.close()


def _draw_session(path: str, message: bytes, random: Random) -> bytes:
    """Return a connection's bytes: a valid call, with random frames around it."""
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"x"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    prefixed = b"\0" + len(message).to_bytes(4, "big") + message
    frames = [
        build_settings(),
        build_frame(1, 4, 1, encode(headers)),
        build_frame(0, 1, 1, prefixed),
    ]
    for _ in range(random.randint(0, 4)):
        payload = bytes(random.randrange(256) for _ in range(random.choice((0, 1, 4, 5, 6, 8, 30))))
        frame = build_frame(
            random.randrange(12), random.randrange(256), random.choice((0, 1, 2, 3, 5)), payload
        )
        frames.insert(random.randint(0, len(frames)), frame)
    return PREFACE + b"".join(frames)


def _change(data: bytes, random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return data
    if kind == 1:
        return bytes(random.randrange(256) for _ in range(random.randint(0, 100)))
    return change_bytes(data, random)


def _send(port: int, data: bytes, random: Random) -> None:
    """Send the bytes in two pieces, then disconnect: orderly, after the server, or at once."""
    cut = random.randint(0, len(data))
    leaves = random.randrange(4) == 3
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        try:
            connection.sendall(data[:cut])
            connection.sendall(data[cut:])
            if leaves:
                reset = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                return
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except TimeoutError as error:
            raise AssertionError(f"{data!r} is waited for, though its sender is gone") from error
        except OSError:
            return  # The server was faster, and ended the connection.
