"""The Cloud Run services for main.py's table, and their descriptions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.settings import Settings, Unusable, split_list
from deploy.stores.queues import queue_names
from deploy.table import API, account_of, check_table, deployed_name, merge
from main import FUNCTIONS, Function

#: Concurrent requests of one instance, each in a thread of its own.
CONCURRENCY = 16

#: Cloud Run waits so many seconds longer than the function, which then has answered 504 itself.
GRACE = 5

WORKER = "run_saga_step"
SWEEP = "sweep_sagas"

#: The functions that the smoke test calls before traffic moves: see deploy.rollout.smoke.
SMOKE = ("start_saga", "get_saga", "list_sagas")

#: The labels with a service's last release and mode.
RELEASE, MODE = "amends-release", "amends-mode"

#: The label with a service's environment; there is none without a prefix.
ENVIRONMENT = "amends-environment"

#: The label with the commit from which a service was last deployed.
COMMIT = "amends-commit"

#: The annotation of a worker's revision with the sagas that it knows.
DEFINITIONS = "amends-definitions"

#: How many characters of a release's label are in the names of its revisions.
REVISION_DIGITS = 8


@dataclass(frozen=True, slots=True)
class CloudRunService:
    """One Cloud Run service; `target` is the Python name of its function, `name` the deployed."""

    target: str
    function: Function
    name: str

    @property
    def is_machinery(self) -> bool:
        """Tell whether only Google's own services call it, and no person or program."""
        return self.function.invoker in ("tasks", "scheduler")


def list_services(settings: Settings) -> list[CloudRunService]:
    """Return the services of a deployment, the machinery first; Unusable if the table cannot be.

    A new version's machinery must exist before anyone starts a saga of that version.
    """
    check_table(settings)
    functions = dict(FUNCTIONS)
    if settings.mode == "api":
        behind = [each for each in FUNCTIONS.values() if not _is_machinery(each)]
        functions = {name: each for name, each in FUNCTIONS.items() if _is_machinery(each)}
        functions[API] = merge(behind)
    services = [
        CloudRunService(target, function, deployed_name(target, settings))
        for target, function in functions.items()
    ]
    return sorted(services, key=lambda service: not service.is_machinery)


def url_of(target: str, settings: Settings, tag: str = "") -> str:
    """Return the root address that Cloud Run gives a service, or a tagged revision of it."""
    if not settings.project_number:
        raise Unusable(
            "the services' addresses contain the project's number: set PROJECT_NUMBER=..."
        )
    host = f"{deployed_name(target, settings)}-{settings.project_number}.{settings.region}.run.app"
    return f"https://{tag}---{host}" if tag else f"https://{host}"


def describe_service(
    service: CloudRunService, settings: Settings, image: str, definitions: str = ""
) -> dict[str, Any]:
    """Return a service as Cloud Run's API (v2) states it, without its traffic.

    The worker's revisions keep the definitions of sagas that they know.

    The name of its revision is the release's; the deployment appends a suffix that makes it new.
    """
    described: dict[str, Any] = {
        "labels": {MODE: settings.mode, **_label_of(settings)},
        "ingress": f"INGRESS_TRAFFIC_{'INTERNAL_ONLY' if service.is_machinery else 'ALL'}",
        # IAM is asked about every caller; a public service has allUsers among its invokers.
        "invokerIamDisabled": False,
        "customAudiences": [] if service.is_machinery else split_list(settings.audiences),
        "template": {
            "serviceAccount": settings.email(account_of(service.target, settings)),
            "timeout": f"{service.function.timeout + GRACE}s",
            "maxInstanceRequestConcurrency": CONCURRENCY,
            "scaling": {"maxInstanceCount": service.function.max_instances},
            "containers": [
                {
                    "image": image,
                    "env": _variables_of(service, settings),
                    "resources": {
                        "limits": {"cpu": "1", "memory": service.function.memory},
                        "cpuIdle": True,
                        "startupCpuBoost": True,
                    },
                }
            ],
        },
    }
    if service.target == WORKER and definitions:
        described["template"]["annotations"] = {DEFINITIONS: definitions}
    release = release_of(described)
    described["labels"][RELEASE] = release
    if settings.commit:
        described["labels"][COMMIT] = settings.commit
    described["template"]["revision"] = f"{service.name}-{release[:REVISION_DIGITS]}"
    return described


def _label_of(settings: Settings) -> dict[str, str]:
    return {ENVIRONMENT: settings.label} if settings.prefix else {}


def release_of(described: Any) -> str:
    """Return a label that is the same for the same description, and only for it."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _is_machinery(function: Function) -> bool:
    return function.invoker in ("tasks", "scheduler")


def _variables_of(service: CloudRunService, settings: Settings) -> list[dict[str, Any]]:
    plain = {**_environment_of(service, settings), **service.function.env}
    secret = [
        {"name": name, "valueSource": {"secretKeyRef": _reference_to(stated)}}
        for name, stated in service.function.secrets.items()
    ]
    return [*({"name": name, "value": value} for name, value in plain.items()), *secret]


def _reference_to(stated: str) -> Mapping[str, str]:
    secret, _, version = stated.partition(":")
    return {"secret": secret, "version": version}


def _environment_of(service: CloudRunService, settings: Settings) -> dict[str, str]:
    environment = {
        "FUNCTION_TARGET": service.target,
        "THREADS": str(CONCURRENCY),
        "GOOGLE_CLOUD_PROJECT": settings.project,
        "AMENDS_DATABASE": "" if settings.database == "(default)" else settings.database,
        "AMENDS_LOCATION": settings.tasks_location,
        "AMENDS_RETENTION_DAYS": settings.retention_days,
        "AMENDS_QUEUES": ",".join(queue_names(settings)),
        "AMENDS_BASE_URL": url_of(service.target, settings),
        "AMENDS_WORKER_URL": url_of(WORKER, settings),
        "AMENDS_TASKS_SERVICE_ACCOUNT": settings.email(settings.tasks_account),
        "AMENDS_SCHEDULER_SERVICE_ACCOUNT": settings.email(settings.scheduler_account),
        "AMENDS_TIMEOUT_SECONDS": str(service.function.timeout),
    }
    if service.function.invoker != "public":
        # IAM has verified every token, and removed its signature (lib/edge/caller/identity.py).
        environment["AMENDS_BEHIND_IAM"] = "1"
    if service.function.invoker == "operator" or service.target == API:
        environment["AMENDS_OPERATORS"] = ",".join(split_list(settings.operators))
    if audiences := split_list(settings.audiences):
        environment["AMENDS_AUDIENCES"] = ",".join(audiences)
    if settings.prefix:
        environment["AMENDS_ENVIRONMENT"] = settings.label
    if settings.otlp_endpoint:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = settings.otlp_endpoint
    return environment
