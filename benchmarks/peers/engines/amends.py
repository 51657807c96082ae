"""Amends: the local stack, its worker and its callers' functions processes of their own.

A saga that is chained inline has ended when start-saga answers. Otherwise the last step tells the
client over a Unix socket that the saga ends, as Celery's last task does over Redis. In the crash
test the client leaves no time for steps in its own request, so that the worker runs them.
`amends FILE NAME`: NAME is the saga of benchmarks.peers.engines.amends_sagas.
"""

import http.client
import json
import shutil
import socket
import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.peers.load.job import make_order
from benchmarks.peers.load.script import run_script
from benchmarks.peers.load.settings import STATE
from lib.timing.deadline import BUDGET_HEADER
from local.stack import Stack

_SOURCE = Path(__file__).with_name("app") / "main.py"
_SOCKET = STATE / "ended.sock"
_JSON = {"content-type": "application/json"}
#: A time budget, in seconds, that has room for no step.
_HURRIED = {BUDGET_HEADER: "1"}
_ENDS = {"COMPLETED": "done", "ROLLED_BACK": "compensated"}
_PATIENCE = 60.0


class AmendsPeer:
    """A stack with data of its own."""

    def __init__(self, saga: str) -> None:
        self._saga = saga
        self.name = f"Amends, {saga}"
        self._local = threading.local()
        self._waiting: dict[str, list[Any]] = {}

    def start(self) -> None:
        shutil.rmtree(STATE / "amends", ignore_errors=True)
        STATE.mkdir(parents=True, exist_ok=True)
        _SOCKET.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(_SOCKET))
        threading.Thread(target=self._listen, args=(self._socket,), daemon=True).start()

    def start_worker(self, env: Mapping[str, str]) -> None:
        self._stack = Stack(
            data=STATE / "amends",
            source=_SOURCE,
            env={"PEER_SOCKET": str(_SOCKET), **env},
            sweep_every=timedelta(seconds=10),
        )
        self._stack.start()
        self._stack.wait_until_ready()

    def kill_worker(self) -> None:
        self._stack.kill("worker")

    def revive_worker(self, _env: Mapping[str, str]) -> None:
        """Do nothing: the stack has started it again already."""

    def leaders(self) -> list[int]:
        return [*self._stack.pids.values()]

    def stop(self) -> None:
        self._stack.stop()
        self._socket.close()

    def run(self, order_id: str, *, fail: bool) -> str:
        told = self._waiting[order_id] = [threading.Event(), "nothing"]
        status = self._start(order_id, fail=fail)
        if status not in _ENDS:
            told[0].wait(_PATIENCE)
        del self._waiting[order_id]
        return _ENDS.get(status) or str(told[1])

    def submit(self, order_id: str) -> None:
        self._start(order_id, fail=False, headers=_HURRIED)

    def _start(self, order_id: str, *, fail: bool, headers: Mapping[str, str] = {}) -> str:
        """Start a saga, and return its status as the answer has it."""
        body = {"name": self._saga, "id": order_id, "payload": make_order(order_id, fail=fail)}
        try:
            answer = self._post("/start-saga", body, headers)
        except ConnectionError:  # idle for longer than the server keeps it
            del self._local.kept
            answer = self._post("/start-saga", body, headers)
        return str(json.loads(answer)["status"])

    def _listen(self, ended: socket.socket) -> None:
        while True:
            try:
                order_id, how = ended.recv(1000).decode().split()
            except (OSError, ValueError):
                return
            if waiting := self._waiting.get(order_id):
                waiting[1] = how
                waiting[0].set()

    def _post(self, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        connection = self._connect()
        connection.request("POST", path, json.dumps(body), {**_JSON, **headers})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status} {data[:200]!r}")
        return data

    def _connect(self) -> http.client.HTTPConnection:
        """Return this thread's connection to the stack that runs now."""
        port = self._stack.plan.port
        kept: http.client.HTTPConnection | None = getattr(self._local, "kept", None)
        if kept is None or kept.port != port:
            kept = self._local.kept = http.client.HTTPConnection(
                "127.0.0.1", port, timeout=_PATIENCE
            )
            kept.connect()
            kept.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return kept


if __name__ == "__main__":
    run_script(AmendsPeer(sys.argv[2]))
