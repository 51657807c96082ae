"""Measures how many sagas per second a sweep redelivers, on the local stack.

For each number of threads it stores sagas whose tasks are lost, and one sweep redelivers them into
a paused queue, so the worker's time is not measured. Local servers answer in a fraction of a
millisecond and share this machine's CPU with the sweep. Google's take some milliseconds, so there
more threads help more.
Run `python -m benchmarks.sweep`; `--sagas` and `--threads` set the numbers.
"""

import argparse
import contextlib
import io
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from lib.datastore import Store, connect
from lib.saga import Definitions, Saga, Step
from lib.saga.engine.cloud_tasks import CloudTasksQueue
from lib.saga.engine.cloud_tasks import connect as connect_tasks
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.sweep import SweepResult, sweep
from lib.saga.state.delivery import Delivery
from local.stack import Stack

SAGA = Saga("swept", payload=dict, steps=tuple(Step(n, execute=lambda *_: None) for n in "abcd"))
BEFORE = timedelta(hours=1)


class Lost:
    """A queue that loses every delivery."""

    def enqueue(self, delivery: Delivery) -> None:
        """Lose a delivery."""


def main() -> None:
    """Print what one sweep redelivers, for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sagas", type=int, default=1000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 8, 16])
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(data=Path(folder), sweep_every=timedelta(days=1)) as stack,
    ):
        store = Store(connect(stack.project, emulator_host=stack.datastore_host))
        queue = open_paused_queue(stack)
        for threads in options.threads:
            lose_sagas(store, options.sagas, threads)
            swept = measure(store, queue, threads)
            print(
                f"{threads:3} threads: {swept.delivered} of {swept.found} sagas, "
                f"{swept.remaining} left, {swept.per_second:.0f} per second"
            )


def open_paused_queue(stack: Stack) -> CloudTasksQueue:
    """Return a queue of the stack that accepts tasks but dispatches none."""
    channel = grpc.insecure_channel(stack.tasks_host)
    stock = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    parent = f"projects/{stack.project}/locations/bench"
    name = f"{parent}/queues/swept"
    stock.create_queue(parent=parent, queue=tasks_v2.Queue(name=name))
    stock.pause_queue(name=name)
    account = "tasks@example.iam.gserviceaccount.com"
    return CloudTasksQueue(
        connect_tasks(stack.tasks_host),
        queues=[name],
        url=lambda: f"{stack.url}/run-saga-step",
        audience=stack.url,
        service_account=account,
    )


def lose_sagas(store: Store, count: int, run: int) -> None:
    """Store sagas whose first task the queue lost an hour ago."""
    engine = Engine(
        Definitions([SAGA]), SagaRepository(store), Lost(), lambda: datetime.now(UTC) - BEFORE
    )
    for number in range(count):
        engine.start(SAGA.name, f"s{run}-{number}", {"n": number})


def measure(store: Store, queue: CloudTasksQueue, threads: int) -> SweepResult:
    """Sweep once, without the engine's log lines."""
    engine = Engine(Definitions([SAGA]), SagaRepository(store), queue, lambda: datetime.now(UTC))
    with contextlib.redirect_stdout(io.StringIO()):
        return sweep(engine, engine.clock, threads=threads)


if __name__ == "__main__":
    main()
