"""DBOS Transact on SQLite: the engine is a library in the application's own process.

The loads run in the process that measures. For the crash test the application is a process of its
own, which is killed; started again, it recovers what was pending.
"""

import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID

from benchmarks.peers.load import job
from benchmarks.peers.load.script import run_script
from benchmarks.peers.load.servers import Servers
from benchmarks.peers.load.settings import STATE

_FILE = STATE / "dbos.sqlite"
_INBOX = STATE / "dbos-inbox"
_READY = STATE / "dbos-ready"

steps = {
    each.__name__: DBOS.step(name=each.__name__)(each)
    for each in (job.reserve, job.pay, job.ship, job.notify, job.cancel, job.refund, job.release)
}


@DBOS.workflow()
def run_job(order: job.Order) -> str:
    """Run the job, and compensate what was done if a step fails."""
    undo: list[Any] = []
    try:
        steps["reserve"](order)
        undo.append(steps["release"])
        steps["pay"](order)
        undo.append(steps["refund"])
        steps["ship"](order)
        undo.append(steps["cancel"])
        steps["notify"](order)
    except Exception:  # whatever a step raises, the steps before it are undone
        for compensate in reversed(undo):
            compensate(order)
        return "compensated"
    return "done"


def launch() -> None:
    """Start the engine in this process; it recovers what is pending."""
    config = {"name": "peer", "system_database_url": f"sqlite:///{_FILE}", "log_level": "ERROR"}
    DBOS(config=config)
    DBOS.launch()


def serve() -> None:
    """Run the application: start the jobs whose ids stand in the inbox, line by line."""
    launch()
    _READY.write_text("")
    started: set[str] = set()
    while True:
        for order_id in _INBOX.read_text().split():
            if order_id not in started:
                started.add(order_id)
                with SetWorkflowID(order_id):
                    DBOS.start_workflow(run_job, job.make_order(order_id))
                _READY.write_text(order_id)
        time.sleep(0.001)


class DbosPeer:
    """The engine in this process; in the crash test in one of its own."""

    name = "DBOS on SQLite"

    def __init__(self) -> None:
        self._servers = Servers()
        self._launched = False

    def start(self) -> None:
        STATE.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{_FILE}{suffix}").unlink(missing_ok=True)
        _INBOX.write_text("")

    def start_worker(self, env: Mapping[str, str]) -> None:
        if not env:
            launch()
            self._launched = True
            return
        _READY.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.peers.engines.dbos", "serve"]
        self._servers.set_worker(command, STATE / "dbos.log", env)
        while not _READY.exists():
            time.sleep(0.01)

    def run(self, order_id: str, *, fail: bool) -> str:
        if self._servers.has_worker:  # only before the crash test, whose jobs are submitted
            return "done"
        with SetWorkflowID(order_id):
            return str(run_job(job.make_order(order_id, fail=fail)))

    def submit(self, order_id: str) -> None:
        with _INBOX.open("a") as inbox:
            inbox.write(f"{order_id}\n")
        while _READY.read_text() != order_id:
            time.sleep(0.001)

    def kill_worker(self) -> None:
        self._servers.kill_worker()

    def revive_worker(self, env: Mapping[str, str]) -> None:
        _INBOX.write_text("")
        self.start_worker(env)

    def leaders(self) -> list[int]:
        return [os.getpgid(0)]

    def stop(self) -> None:
        if self._launched:
            DBOS.destroy()
            self._launched = False
        self._servers.stop()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    run_script(DbosPeer())
    threading.Timer(1.0, os._exit, [0]).start()
