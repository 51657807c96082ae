"""Removes everything that setup, builds and alerts created for one environment, except data."""

import re
from typing import Any

from deploy.cloud.client import Cloud, list_pages, render
from deploy.cloud_run.api import delete_service, find_services, is_ours
from deploy.cloud_run.services import SWEEP
from deploy.observability.alerts import LOGGING, METRICS, MONITORING, find_policies
from deploy.observability.log_exclusion import describe_exclusion, find_exclusions, write_exclusions
from deploy.settings import ACCOUNTS, Settings
from deploy.stores.queues import queue_names
from deploy.table import deployed_name, list_secrets

REMAINS = """
These stay, because they may hold data, or others may use them:
- the database {database} with its backups and indexes, protected from deletion; to delete it:
    {unprotect}
    {delete}
- the bucket gs://{bucket}, the enabled APIs, secrets, a budget, notification channels
- the roles of SUBMITTERS in the project
- the queues' names: Cloud Tasks releases them after some days; use another PREFIX until then"""


def tear_down(cloud: Cloud, settings: Settings) -> None:
    """Remove everything of the environment except its data, and print what stays.

    Idempotent. Removes callers before what they call, and nothing that others created.
    """
    _remove_job(cloud, settings)
    _remove_alerts(cloud, settings)
    present = find_services(cloud, settings)
    ours = [name for name, each in present.items() if is_ours(each, settings)]
    cloud.each(lambda name: delete_service(cloud, settings, name), sorted(ours))
    _remove_queues(cloud, settings)
    _remove_repository(cloud, settings)
    _remove_roles(cloud, settings)
    _remove_accounts(cloud, settings)
    print(_describe_remains(settings))


def _remove_job(cloud: Cloud, settings: Settings) -> None:
    name, location = deployed_name(SWEEP, settings), f"--location={settings.tasks_location}"
    if name in _names(cloud.read("scheduler", "jobs", "list", location)):
        cloud.change("scheduler", "jobs", "delete", name, location)


def _remove_alerts(cloud: Cloud, settings: Settings) -> None:
    for policy in find_policies(cloud, settings).values():
        cloud.send("DELETE", f"{MONITORING}/{policy['name']}", None)
    url = f"{LOGGING}/projects/{settings.project}/metrics"
    ours = {settings.named(file.stem) for file in METRICS.glob("*.json")}
    for name in sorted(ours & {each["name"] for each in list_pages(cloud, url, "metrics")}):
        cloud.send("DELETE", f"{url}/{name}", None)
    present = find_exclusions(cloud, settings)
    kept = [each for each in present if each["name"] != describe_exclusion(settings)["name"]]
    if len(kept) < len(present):
        write_exclusions(cloud, settings, kept)


def _remove_queues(cloud: Cloud, settings: Settings) -> None:
    """Remove every queue of queues.yaml and all its copies, also those of a higher QUEUE_COUNT."""
    location = f"--location={settings.tasks_location}"
    ours = [re.compile(rf"{re.escape(name)}(-\d+)?") for name in queue_names(settings)]
    for name in sorted(_names(cloud.read("tasks", "queues", "list", location))):
        if any(pattern.fullmatch(name) for pattern in ours):
            cloud.change("tasks", "queues", "delete", name, location)


def _remove_repository(cloud: Cloud, settings: Settings) -> None:
    name, location = settings.image_repository, f"--location={settings.region}"
    if name in _names(cloud.read("artifacts", "repositories", "list", location)):
        cloud.change("artifacts", "repositories", "delete", name, location)


def _remove_roles(cloud: Cloud, settings: Settings) -> None:
    """Remove the accounts' roles on what stays, because policies keep listing deleted accounts."""
    ours = {settings.member(getattr(settings, f"{name}_account")) for name in ACCOUNTS}
    secrets = sorted({secret for secret, _ in list_secrets()})
    places = [
        (["projects"], settings.project),
        (["storage", "buckets"], f"gs://{settings.source_bucket}"),
        *((["secrets"], secret) for secret in secrets),
    ]
    for words, name in places:
        policy = cloud.read(*words, "get-iam-policy", name) or {}
        held = {(each["role"], m) for each in policy.get("bindings", []) for m in each["members"]}
        for role, member in sorted(pair for pair in held if pair[1] in ours):
            cloud.change(
                *words, "remove-iam-policy-binding", name, f"--member={member}", f"--role={role}",
                "--all",
            )  # fmt: skip


def _remove_accounts(cloud: Cloud, settings: Settings) -> None:
    listed = cloud.read("iam", "service-accounts", "list") or []
    present = {account["email"] for account in listed}
    for name in ACCOUNTS:
        email = settings.email(getattr(settings, f"{name}_account"))
        if email in present:
            cloud.change("iam", "service-accounts", "delete", email)


def _describe_remains(settings: Settings) -> str:
    words, database = ("firestore", "databases"), f"--database={settings.database}"
    project = f"--project={settings.project}"
    return REMAINS.format(
        database=settings.database,
        bucket=settings.source_bucket,
        unprotect=render(*words, "update", database, "--no-delete-protection", project),
        delete=render(*words, "delete", database, project),
    )


def _names(listed: Any) -> set[str]:
    return {each["name"].rpartition("/")[2] for each in listed or []}
