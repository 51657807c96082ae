"""Restate: its server, one binary, calls a Python service over HTTP/2 (hypercorn).

The client posts to the server's ingress with an idempotency key; the answer is the job's end.
"""

import asyncio
import http.client
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import restate
from restate import TerminalError

from benchmarks.peers.load import job
from benchmarks.peers.load.processes import check_free
from benchmarks.peers.load.script import run_script
from benchmarks.peers.load.servers import Servers
from benchmarks.peers.load.settings import STATE

_INGRESS, _ADMIN, _SERVICE = 8080, 9070, 9080
_PATIENCE = 40.0
_JSON = {"content-type": "application/json"}
service = restate.Service("OrderSaga")
job.sleep = lambda _: None  # it would hold up every other job of the event loop


def _make_step(function: Callable[[job.Order], job.Order]) -> Any:
    """Return a step that is asynchronous, so that the SDK does not need its thread pool."""

    async def run(order: job.Order) -> job.Order:
        if seconds := job.pause():
            await asyncio.sleep(seconds)
        try:
            return function(order)
        except job.Declined as problem:
            raise TerminalError(str(problem)) from problem

    run.__name__ = function.__name__
    return run


_STEPS = {
    each.__name__: _make_step(each)
    for each in (job.reserve, job.pay, job.ship, job.notify, job.cancel, job.refund, job.release)
}


@service.handler()
async def run(ctx: restate.Context, order: job.Order) -> str:
    """Run the job, and compensate what was done if a step fails."""
    undo: list[str] = []
    try:
        for name, compensation in (("reserve", "release"), ("pay", "refund"), ("ship", "cancel")):
            await ctx.run_typed(name, _STEPS[name], order=order)
            undo.append(compensation)
        await ctx.run_typed("notify", _STEPS["notify"], order=order)
    except TerminalError:
        for name in reversed(undo):
            await ctx.run_typed(name, _STEPS[name], order=order)
        return "compensated"
    return "done"


app = restate.app([service])


class RestatePeer:
    """The server and the service."""

    name = "Restate"

    def __init__(self) -> None:
        self._servers = Servers()
        self._local = threading.local()

    def start(self) -> None:
        check_free(_INGRESS, _ADMIN, _SERVICE)
        env = {
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_ADVERTISED_HOST": "127.0.0.1",
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BASE_DIR": str(STATE / f"restate-{time.time_ns()}"),
            "DO_NOT_TRACK": "1",
        }
        server = [os.environ["RESTATE_SERVER"], "--no-logo", "--log-filter", "error"]
        self._servers.add(server, STATE / "restate.log", env)

    def start_worker(self, env: Mapping[str, str]) -> None:
        self.revive_worker(env)
        _persist(self._register)
        # The ingress knows the service a moment later.
        _persist(lambda: self.run(job.new_id(), fail=False))

    def revive_worker(self, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "hypercorn", "benchmarks.peers.engines.restate:app"]
        command += ["--bind", f"127.0.0.1:{_SERVICE}"]
        self._servers.set_worker(command, STATE / "hypercorn.log", env)

    def kill_worker(self) -> None:
        self._servers.kill_worker()

    def leaders(self) -> list[int]:
        return self._servers.leaders

    def stop(self) -> None:
        self._servers.stop()

    def run(self, order_id: str, *, fail: bool) -> str:
        answer = self._post("/OrderSaga/run", job.make_order(order_id, fail=fail), order_id)
        return str(json.loads(answer))

    def submit(self, order_id: str) -> None:
        self._post("/OrderSaga/run/send", job.make_order(order_id), order_id)

    def _register(self) -> None:
        socket.create_connection(("127.0.0.1", _SERVICE), 1).close()
        deployment = {"uri": f"http://127.0.0.1:{_SERVICE}", "force": True}
        self._send(_ADMIN, "/deployments", deployment, {})

    def _post(self, path: str, order: job.Order, key: str) -> bytes:
        return self._send(_INGRESS, path, order, {"idempotency-key": key})

    def _send(self, port: int, path: str, body: Any, headers: dict[str, str]) -> bytes:
        connections = self._local.__dict__.setdefault("connections", {})
        connection = connections.get(port)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections[port] = connection
        try:
            connection.request("POST", path, json.dumps(body), _JSON | headers)
            answer = connection.getresponse()
            data: bytes = answer.read()
        except Exception:  # raised again: only the broken connection is dropped
            connections.pop(port, None)
            raise
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status} {data[:200]!r}")
        return data


def _persist(act: Callable[[], object]) -> None:
    ends = time.time() + _PATIENCE
    while True:
        try:
            act()
        except Exception:  # the server is still starting; the last error is raised
            if time.time() > ends:
                raise
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    run_script(RestatePeer())
