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

#: Concurrent requests of one instance, each in its own thread.
CONCURRENCY = 16

#: How many seconds longer than the function's own timeout Cloud Run waits, so that the function
#: answers 504 itself.
GRACE = 5

WORKER = "run_saga_step"
SWEEP = "sweep_sagas"

#: The functions that the smoke test calls before traffic moves: see deploy.rollout.smoke.
SMOKE = ("start_saga", "get_saga", "list_sagas")

#: The labels with a service's last release and mode.
RELEASE, MODE = "amends-release", "amends-mode"

#: The label with a service's environment; without a prefix there is no label.
ENVIRONMENT = "amends-environment"

#: The label with the commit that a service was last deployed from.
COMMIT = "amends-commit"

#: The annotation of a worker's revision with the definitions that it has.
DEFINITIONS = "amends-definitions"

#: How many characters of a release's label the names of its revisions contain.
REVISION_DIGITS = 8


@dataclass(frozen=True, slots=True)
class CloudRunService:
    """One Cloud Run service; `target` is its function's Python name, `name` the service's name."""

    target: str
    function: Function
    name: str

    @property
    def is_internal(self) -> bool:
        """Whether only Google's services call it."""
        return self.function.invoker in ("tasks", "scheduler")


def list_services(settings: Settings) -> list[CloudRunService]:
    """Return a deployment's services, internal ones first; Unusable if the table is invalid.

    A new version's worker must exist before anyone starts a saga of that version.
    """
    check_table(settings)
    functions = dict(FUNCTIONS)
    if settings.mode == "api":
        behind = [each for each in FUNCTIONS.values() if not _is_internal(each)]
        functions = {name: each for name, each in FUNCTIONS.items() if _is_internal(each)}
        functions[API] = merge(behind)
    services = [
        CloudRunService(target, function, deployed_name(target, settings))
        for target, function in functions.items()
    ]
    return sorted(services, key=lambda service: not service.is_internal)


def url_of(target: str, settings: Settings, tag: str = "") -> str:
    """Return the root URL that Cloud Run gives to a service, or to its revision with a tag."""
    if not settings.project_number:
        raise Unusable(
            "PROJECT_NUMBER is missing: set PROJECT_NUMBER=..., which the services' URLs contain"
        )
    host = f"{deployed_name(target, settings)}-{settings.project_number}.{settings.region}.run.app"
    return f"https://{tag}---{host}" if tag else f"https://{host}"


def describe_service(
    service: CloudRunService, settings: Settings, image: str, definitions: str = ""
) -> dict[str, Any]:
    """Return a service in the format of Cloud Run's API (v2), without its traffic.

    The worker's revisions record the definitions of sagas that they have. The revision's name ends
    with the release; the deployment appends a suffix to make it unique.
    """
    described: dict[str, Any] = {
        "labels": {MODE: settings.mode, **_label_of(settings)},
        "ingress": f"INGRESS_TRAFFIC_{'INTERNAL_ONLY' if service.is_internal else 'ALL'}",
        # IAM checks every caller; a public service has allUsers among its invokers.
        "invokerIamDisabled": False,
        "customAudiences": [] if service.is_internal else split_list(settings.audiences),
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
    """Return a label that identifies a description: a hash of it."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _is_internal(function: Function) -> bool:
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
        # IAM verifies every token and removes its signature (lib/edge/caller/identity.py).
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
