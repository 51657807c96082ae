"""One client a process, made on first use and never at import.

functions-framework imports our code before gunicorn forks: a channel made then would be dead in
the worker.
"""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from lib.config import config

if TYPE_CHECKING:
    from lib.datastore import Store
    from lib.identity import Verifier
    from lib.saga.dispatch import CloudTasksQueue
    from lib.saga.engine import Engine


def now() -> datetime:
    """Return the present time, UTC."""
    return datetime.now(UTC)


@cache
def store() -> "Store":
    """Return this process's data layer."""
    from lib.datastore import Store, connect

    settings = config()
    return Store(
        connect(
            project=settings.project,
            database=settings.database,
            emulator_host=settings.datastore_host or None,
        )
    )


@cache
def engine() -> "Engine":
    """Return this process's saga engine over Datastore and Cloud Tasks."""
    from lib.saga.engine import Engine
    from lib.saga.journal import Journal
    from lib.saga.retention import Retention
    from lib.sagas import DEFINITIONS

    retention = Retention(keep=config().retention, ttl=config().ttl)
    return Engine(DEFINITIONS, Journal(store()), _queue(), now, retention=retention)


@cache
def verifier() -> "Verifier":
    """Return what verifies the tokens of Cloud Tasks and Cloud Scheduler."""
    from lib.identity import Verifier

    return Verifier(config().certs_url, behind_iam=config().behind_iam)


def _queue() -> "CloudTasksQueue":
    from lib.saga.dispatch import CloudTasksQueue, make_client

    settings = config()
    location = f"projects/{settings.project}/locations/{settings.location}"
    return CloudTasksQueue(
        make_client(settings.tasks_host),
        queues=[f"{location}/queues/{name}" for name in settings.queues],
        url=f"{settings.worker_url}/run-saga-step",
        audience=settings.worker_url,
        service_account=settings.tasks_service_account,
    )
