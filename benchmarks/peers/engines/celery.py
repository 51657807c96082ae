"""Celery: a chain on Redis as broker and result backend, compensations by an error callback.

Redis writes its log with `appendfsync everysec`, its default. The visibility time-out is ten
seconds, so that what a killed worker held is delivered again within the crash test; Celery's
default is an hour. The last task tells the client over a list in Redis.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

import redis
from celery import Celery, chain

from benchmarks.peers.load import job
from benchmarks.peers.load.processes import check_free
from benchmarks.peers.load.script import run_script
from benchmarks.peers.load.servers import Servers
from benchmarks.peers.load.settings import STATE

PORT = 16390
URL = f"redis://127.0.0.1:{PORT}/0"
_MODULE = "benchmarks.peers.engines.celery"
_PROCESSES = 4
_KEPT_SECONDS = 600

app = Celery(_MODULE, broker=URL, backend=URL)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_hijack_root_logger=False,
    broker_pool_limit=40,
    broker_transport_options={
        "visibility_timeout": 10, "unacked_restore_interval": 2, "unacked_restore_throttle": 1,
    },
    result_expires=_KEPT_SECONDS,
    broker_connection_retry_on_startup=True,
)  # fmt: skip
client = redis.Redis(port=PORT)


@app.task
def reserve(order: job.Order) -> job.Order:
    """Run the first step."""
    return {**order, **job.reserve(order)}


@app.task
def pay(order: job.Order) -> job.Order:
    """Run the second step."""
    return {**order, **job.pay(order)}


@app.task
def ship(order: job.Order) -> job.Order:
    """Run the third step."""
    return {**order, **job.ship(order)}


@app.task
def notify(order: job.Order) -> None:
    """Run the fourth step."""
    job.notify(order)
    _tell(order, "done")


@app.task
def refund(order: job.Order) -> job.Order:
    """Undo the second step."""
    job.refund(order)
    return order


@app.task
def release(order: job.Order) -> None:
    """Undo the first step."""
    job.release(order)
    _tell(order, "compensated")


@app.task
def compensate(_request: Any, _error: Any, _traceback: Any, order: job.Order) -> None:
    """Undo what was done before `ship` failed."""
    chain(refund.s(order), release.s()).apply_async()


def _tell(order: job.Order, ended: str) -> None:
    client.lpush(f"ended:{order['id']}", ended)
    client.expire(f"ended:{order['id']}", _KEPT_SECONDS)


def _start(order: job.Order) -> None:
    failing = ship.s().on_error(compensate.s(order))
    chain(reserve.s(order), pay.s(), failing, notify.s()).apply_async()


class CeleryPeer:
    """Redis, and a worker of four processes."""

    name = "Celery on Redis"

    def __init__(self) -> None:
        self._servers = Servers()

    def start(self) -> None:
        check_free(PORT)
        data = STATE / f"redis-{time.time_ns()}"
        data.mkdir(parents=True)
        options = ["--port", str(PORT), "--bind", "127.0.0.1", "--dir", str(data)]
        durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        self._servers.add(["redis-server", *options, *durable], STATE / "redis.log")
        while True:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return

    def start_worker(self, env: Mapping[str, str]) -> None:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        command = [sys.executable, "-m", "celery", "-A", _MODULE, "worker", "-l", "ERROR"]
        command += ["-c", str(_PROCESSES), *quiet]
        self._servers.set_worker(command, STATE / "celery.log", env)

    def run(self, order_id: str, *, fail: bool) -> str:
        _start(job.make_order(order_id, fail=fail))
        ended = client.blpop(f"ended:{order_id}", timeout=60)
        return ended[1].decode() if ended else "nothing"

    def submit(self, order_id: str) -> None:
        _start(job.make_order(order_id))

    def kill_worker(self) -> None:
        self._servers.kill_worker()

    def revive_worker(self, env: Mapping[str, str]) -> None:
        self.start_worker(env)

    def leaders(self) -> list[int]:
        return self._servers.leaders

    def stop(self) -> None:
        self._servers.stop()


if __name__ == "__main__":
    run_script(CeleryPeer())
