"""A kill -9 of the Cloud Tasks server during its work."""

import contextlib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core import exceptions

from local.host.ports import choose_port
from local.stack.supervisor import PROJECT
from tests.contract.local_tasks.test_tasks import make_task
from tests.support.wait import wait_until
from tests.support.worker import QUEUE, Worker, connect

COUNT = 120


def start(data: Path, port: int) -> "subprocess.Popen[str]":
    options = ["--port", str(port), "--data", str(data), "--queues", "queues.yaml"]
    server = subprocess.Popen(
        [sys.executable, "-m", "local.tasks", *options],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert "ready" in server.stdout.readline()
    return server


def restart(server: "subprocess.Popen[str]", data: Path, port: int) -> "subprocess.Popen[str]":
    server.kill()
    server.wait()
    return start(data, port)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_kills_during_dispatch_lose_no_task_and_no_name(tmp_path: Path, worker: Worker) -> None:
    port = choose_port()
    server = start(tmp_path, port)
    client = connect(f"127.0.0.1:{port}")
    client.pause_queue(name=QUEUE)
    names = [f"{QUEUE}/tasks/t{number:03}" for number in range(COUNT)]
    for name in names:
        client.create_task(parent=QUEUE, task=make_task(worker.url, name=name))
    killed = threading.Event()
    worker.script = lambda _: (200 if killed.wait(10) else 500, {})
    client.resume_queue(name=QUEUE)
    unanswered = {delivery.task for delivery in worker.wait_for(50)}
    server = restart(server, tmp_path, port)
    killed.set()
    worker.wait_for(100)
    server = restart(server, tmp_path, port)
    client = connect(f"127.0.0.1:{port}")
    wait_until(lambda: not list(client.list_tasks(parent=QUEUE)))
    times = Counter(delivery.task for delivery in worker.deliveries)
    assert set(times) == {name.rpartition("/")[2] for name in names}
    assert all(times[task] >= 2 for task in unanswered)
    for name in names:
        with pytest.raises(exceptions.AlreadyExists, match="existed too recently"):
            client.create_task(parent=QUEUE, task=make_task(worker.url, name=name))
    server.terminate()
    assert server.wait(5) == 0


def test_a_task_whose_creation_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    port = choose_port()
    server = start(tmp_path, port)
    client = connect(f"127.0.0.1:{port}")
    client.pause_queue(name=QUEUE)
    assassin = threading.Timer(0.3, server.kill)
    assassin.start()
    acknowledged = []
    with contextlib.suppress(exceptions.GoogleAPICallError):
        while True:
            task = make_task("http://127.0.0.1:9/")
            acknowledged.append(client.create_task(parent=QUEUE, task=task, retry=None).name)
    server = restart(server, tmp_path, port)
    client = connect(f"127.0.0.1:{port}")
    kept = {task.name for task in client.list_tasks(parent=QUEUE)}
    assert acknowledged
    assert set(acknowledged) <= kept
    assert len(kept) <= len(acknowledged) + 1
    server.terminate()
    server.wait()
