"""Settings from environment variables, read on first use and never at import."""

import os
from datetime import timedelta
from functools import cache
from typing import NamedTuple

GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"


class Config(NamedTuple):
    """The settings of one process; an empty host means Google's own service.

    A NamedTuple, because every cold start makes this class, and a dataclass takes longer.
    """

    project: str
    database: str
    datastore_host: str
    tasks_host: str
    location: str
    #: The name of this environment in log lines, if a project has several.
    environment: str
    #: Sagas are spread over these queues by a hash of their id.
    queues: tuple[str, ...]
    #: This service's own root address, which is the audience of tokens for it.
    base_url: str
    #: The audiences that tokens for this service may have: the root address, and those in
    #: AMENDS_AUDIENCES, such as a custom domain.
    audiences: tuple[str, ...]
    #: The root address of the service that runs the steps; this service's own if it runs all
    #: functions.
    worker_url: str
    certs_url: str
    tasks_service_account: str
    scheduler_service_account: str
    #: E-mail addresses or IAM members; None if not set. See lib.edge.caller.access.
    operators: tuple[str, ...] | None
    #: IAM verifies every caller's token before the call arrives. See lib.edge.caller.identity.
    behind_iam: bool
    retention: timedelta
    timeout: timedelta
    allow_faults: bool
    #: `api` loads every function at start-up, so that broken ones are reported early.
    load_all: bool
    #: Logs may quote error texts. They can hold personal data: only for a developer's machine.
    log_texts: bool


@cache
def config() -> Config:
    """Return the settings of this process."""
    env = os.environ.get
    base_url = env("AMENDS_BASE_URL", "http://127.0.0.1:8080")
    return Config(
        project=env("GOOGLE_CLOUD_PROJECT") or env("GCP_PROJECT_ID") or "amends-local",
        database=env("AMENDS_DATABASE", ""),
        datastore_host=env("DATASTORE_EMULATOR_HOST", ""),
        tasks_host=env("AMENDS_TASKS_HOST", ""),
        location=env("AMENDS_LOCATION", "local"),
        environment=env("AMENDS_ENVIRONMENT", ""),
        queues=tuple(env("AMENDS_QUEUES", "sagas").split(",")),
        base_url=base_url,
        audiences=(base_url, *_list_of(env("AMENDS_AUDIENCES", ""))),
        worker_url=env("AMENDS_WORKER_URL", base_url),
        certs_url=env("AMENDS_OIDC_CERTS_URL", GOOGLE_CERTS_URL),
        tasks_service_account=env("AMENDS_TASKS_SERVICE_ACCOUNT", ""),
        scheduler_service_account=env("AMENDS_SCHEDULER_SERVICE_ACCOUNT", ""),
        operators=None if (listed := env("AMENDS_OPERATORS")) is None else _list_of(listed),
        behind_iam=env("AMENDS_BEHIND_IAM", "") == "1",
        retention=timedelta(days=float(env("AMENDS_RETENTION_DAYS", "90"))),
        timeout=timedelta(seconds=float(env("AMENDS_TIMEOUT_SECONDS", "60"))),
        allow_faults=env("AMENDS_ALLOW_FAULTS", "") == "1",
        load_all=env("AMENDS_LOAD_ALL", "") == "1",
        log_texts=env("AMENDS_LOG_TEXTS", "") == "1",
    )


def _list_of(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
