"""The Cloud Tasks queues: applies queues.yaml through gcloud, and sets who may enqueue."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from deploy.cloud.client import Cloud
from deploy.settings import PROJECT, Settings

QUEUES = PROJECT / "queues.yaml"

ENQUEUER = "roles/cloudtasks.enqueuer"

#: Flags whose names differ from the setting's, by the setting's path.
_FLAGS: Final = {
    "stackdriverLoggingConfig.samplingRatio": "log-sampling-ratio",
    "httpTarget.httpMethod": "http-method-override",
    "httpTarget.oidcToken.serviceAccountEmail": "http-oidc-service-account-email-override",
    "httpTarget.oidcToken.audience": "http-oidc-token-audience-override",
    "httpTarget.oauthToken.serviceAccountEmail": "http-oauth-service-account-email-override",
    "httpTarget.oauthToken.scope": "http-oauth-token-scope-override",
}

#: Flags that combine several settings, and gcloud's name for each setting.
_TOGETHER: Final = {
    "routing-override": {
        "appEngineRoutingOverride.service": "service",
        "appEngineRoutingOverride.version": "version",
        "appEngineRoutingOverride.instance": "instance",
    },
    "http-uri-override": {
        "httpTarget.uriOverride.scheme": "scheme",
        "httpTarget.uriOverride.host": "host",
        "httpTarget.uriOverride.port": "port",
        "httpTarget.uriOverride.pathOverride.path": "path",
        "httpTarget.uriOverride.queryOverride.queryParams": "query",
        "httpTarget.uriOverride.uriOverrideEnforceMode": "mode",
    },
}


def queue_names(settings: Settings) -> list[str]:
    """Return the ids of the queues for sagas."""
    return list(_read(settings))


def apply_queues(cloud: Cloud, settings: Settings) -> None:
    """Create missing queues, and update the others from queues.yaml.

    Lets the functions' account create tasks in these queues, and in no other queue of the project.
    """
    location = f"--location={settings.tasks_location}"
    listed = cloud.read("tasks", "queues", "list", location) or []
    present = {queue["name"].rpartition("/")[2] for queue in listed}
    for name, stated in _read(settings).items():
        verb = "update" if name in present else "create"
        cloud.change("tasks", "queues", verb, name, location, *flags_of(stated))
        if name not in present or not _may_enqueue(cloud, settings, name, location):
            cloud.change(
                "tasks", "queues", "add-iam-policy-binding", name, location,
                f"--member={settings.member(settings.app_account)}", f"--role={ENQUEUER}",
            )  # fmt: skip


def _may_enqueue(cloud: Cloud, settings: Settings, name: str, location: str) -> bool:
    policy = cloud.read("tasks", "queues", "get-iam-policy", name, location) or {}
    return any(
        binding["role"] == ENQUEUER and settings.member(settings.app_account) in binding["members"]
        for binding in policy.get("bindings", [])
    )


@cache
def _read(settings: Settings) -> Mapping[str, dict[str, Any]]:
    # Imported here, so that verbs that do not need queues run without PyYAML.
    from project_files.queues import read_queue_settings

    stated = read_queue_settings(QUEUES, int(settings.queue_count))
    return {settings.named(name): each for name, each in stated.items()}


def flags_of(stated: Mapping[str, Any]) -> list[str]:
    """Return a queue's settings as gcloud flags: `maxAttempts` becomes `--max-attempts`."""
    leaves = dict(_leaves("", stated))
    flags = []
    for flag, keys in _TOGETHER.items():
        parts = [f"{word}:{leaves.pop(path)}" for path, word in keys.items() if path in leaves]
        flags += [f"--{flag}={','.join(parts)}"] if parts else []
    for path, value in leaves.items():
        if path == "httpTarget.headerOverrides":
            headers = [each["header"] for each in value]
            flags += [f"--http-header-override={each['key']}: {each['value']}" for each in headers]
        else:
            flags.append(f"--{_FLAGS.get(path) or _kebab(path)}={value}")
    return flags


def _leaves(prefix: str, stated: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in stated.items():
        if isinstance(value, Mapping):
            yield from _leaves(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _kebab(path: str) -> str:
    return re.sub("([A-Z])", r"-\1", path.rpartition(".")[2]).lower()
