"""The clients of this process, created on first use and never at import.

functions-framework imports our code before gunicorn forks. A gRPC channel that is created before
the fork does not work in the worker process.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lib.config import config
from lib.edge.once import close_at_exit, once
from lib.errors import Unavailable
from lib.timing.clock import now

if TYPE_CHECKING:
    from lib.datastore import Store
    from lib.edge.caller.identity import Verifier
    from lib.saga.engine.cloud_tasks import CloudTasksQueue
    from lib.saga.engine.engine import Engine
    from lib.saga.operators.waiters import Waiters
    from lib.saga.state.delivery import Delivery

_TAG = re.compile(r"[a-z0-9-]{1,46}", re.ASCII)


@once
def store() -> "Store":
    """Return this process's data layer."""
    from lib.datastore import Store, connect

    settings = config()
    made = Store(
        connect(
            project=settings.project,
            database=settings.database,
            emulator_host=settings.datastore_host or None,
        )
    )
    close_at_exit(made.close)
    return made


@once
def engine() -> "Engine":
    """Return this process's saga engine over Datastore and Cloud Tasks."""
    from domain.sagas import DEFINITIONS
    from lib.saga.engine.engine import Engine
    from lib.saga.engine.repository import SagaRepository
    from lib.saga.engine.retention import Retention

    retention = Retention(keep=config().retention)
    return Engine(DEFINITIONS, SagaRepository(store()), _LaterQueue(), now, retention=retention)


@once
def waiters() -> "Waiters":
    """Return this process's callers that wait for a saga's end."""
    from lib.saga.operators.waiters import Waiters

    return Waiters(engine().repository)


@once
def verifier() -> "Verifier":
    """Return the verifier of callers' tokens."""
    from lib.edge.caller.identity import Verifier

    return Verifier(config().certs_url, behind_iam=config().behind_iam)


class _LaterQueue:
    """The queue of deliveries. It connects on the first enqueue, because reads need no queue."""

    def enqueue(self, delivery: "Delivery") -> None:
        """Create the delivery's task; raise Unavailable if Cloud Tasks cannot be reached now."""
        if config().datastore_host and not config().tasks_host:
            raise Unavailable("set AMENDS_TASKS_HOST to the address of the local Cloud Tasks")
        _queue().enqueue(delivery)


@once
def _queue() -> "CloudTasksQueue":
    from lib.saga.engine.cloud_tasks import CloudTasksQueue, connect

    settings = config()
    location = f"projects/{settings.project}/locations/{settings.location}"
    client = connect(settings.tasks_host)
    close_at_exit(client.close)
    return CloudTasksQueue(
        client,
        queues=[f"{location}/queues/{name}" for name in settings.queues],
        url=lambda: f"{_worker_root(settings.worker_url, settings.base_url)}/run-saga-step",
        audience=settings.worker_url,
        service_account=settings.tasks_service_account,
    )


def _worker_root(worker_url: str, base_url: str) -> str:
    """Return the worker's root URL, with the revision tag of the URL that was requested.

    A saga that was started at a staged revision then runs on the staged worker
    (deploy/rollout/smoke.py).
    """
    import flask

    if not flask.has_request_context():
        return worker_url
    own, worker = urlsplit(base_url), urlsplit(worker_url)
    tag, separator, host = flask.request.host.partition("---")
    if not separator or host != own.netloc or not _TAG.fullmatch(tag):
        return worker_url
    return f"{worker.scheme}://{tag}---{worker.netloc}"
