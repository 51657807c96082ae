"""Alerts: log-based metrics and alert policies, each in a file in its API's format."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.cloud.client import Cloud, list_pages
from deploy.cloud.retry import persist
from deploy.settings import PROJECT, Settings, Unusable, split_list

METRICS = PROJECT / "deploy" / "metrics"
POLICIES = PROJECT / "deploy" / "alerts"

MONITORING = "https://monitoring.googleapis.com/v3"
LOGGING = "https://logging.googleapis.com/v2"

#: The label of a policy that names its file. The title may change, the label does not.
LABEL = "amends"

#: The label of a policy that names its environment; without a prefix there is no label.
ENVIRONMENT = "amends-environment"

#: The fields that an update replaces; a policy's channels and whether it is enabled do not change.
FIELDS = "displayName,documentation,conditions,combiner,alertStrategy,severity,userLabels"

#: How long to wait for a new metric: alert policies may not know it for some minutes.
METRIC_KNOWN_WITHIN = timedelta(minutes=15)
UNKNOWN_METRIC = re.compile(r"[Cc]annot find metric|does not exist.*metric|metric.*not exist")

_CHANNEL = re.compile(r"projects/[^/]+/notificationChannels/[^/]+")


def apply_alerts(cloud: Cloud, settings: Settings) -> None:
    """Create missing metrics and policies, and update the others.

    Raises Unusable and changes nothing if there are no notification channels.
    """
    policies = find_policies(cloud, settings)
    channels = _choose_channels(settings, policies)
    _apply_metrics(cloud, settings)
    for file in sorted(POLICIES.glob("*.json")):
        _apply_policy(cloud, settings, describe_policy(file, settings), policies, channels)


def describe_metric(file: Path, settings: Settings) -> dict[str, Any]:
    """Return the metric in a file, restricted to this environment's log lines."""
    metric: dict[str, Any] = json.loads(file.read_text())
    only = f"{metric['filter']} AND {_lines_of(settings)}"
    return {**metric, "name": settings.named(metric["name"]), "filter": only}


def describe_policy(file: Path, settings: Settings) -> dict[str, Any]:
    """Return the policy in a file, with the deployment's name in its title.

    The policy uses only this environment's metrics, log lines and job.
    """
    text, names = file.read_text(), {each.stem for each in METRICS.glob("*.json")}
    for name in names:
        # A metric's name in filters, and its name in PromQL.
        for before, form in (("user/", name), ("user_", name.replace("-", "_"))):
            prefix = settings.prefix if before == "user/" else settings.prefix.replace("-", "_")
            text = text.replace(f"{before}{form}", f"{before}{prefix}{form}")
    policy: dict[str, Any] = json.loads(text)
    for condition in policy["conditions"]:
        if found := condition.get("conditionMatchedLog"):
            found["filter"] = f"{found['filter']} AND {_lines_of(settings)}"
    documentation = policy["documentation"]
    documentation["content"] = documentation["content"].replace(
        "sweep-sagas", settings.named("sweep-sagas")
    )
    title = policy["displayName"].replace("Amends:", f"Amends in {settings.environment}:", 1)
    labels = {LABEL: file.stem} | ({ENVIRONMENT: settings.label} if settings.prefix else {})
    return {**policy, "displayName": title, "userLabels": labels}


def _lines_of(settings: Settings) -> str:
    """Return the part of a filter that selects this environment's log lines."""
    if settings.prefix:
        return f'jsonPayload.environment="{settings.label}"'
    return "NOT jsonPayload.environment:*"


def _apply_metrics(cloud: Cloud, settings: Settings) -> None:
    url = f"{LOGGING}/projects/{settings.project}/metrics"
    present = {each["name"] for each in list_pages(cloud, url, "metrics")}
    for file in sorted(METRICS.glob("*.json")):
        metric = describe_metric(file, settings)
        if metric["name"] in present:
            cloud.send("PUT", f"{url}/{metric['name']}", metric)
        else:
            cloud.send("POST", url, metric)


def _apply_policy(
    cloud: Cloud,
    settings: Settings,
    policy: dict[str, Any],
    present: dict[str, dict[str, Any]],
    channels: list[str],
) -> None:
    found = present.get(policy["userLabels"][LABEL])
    if found is None:
        url = f"{MONITORING}/projects/{settings.project}/alertPolicies"
        _await_metric(cloud, "POST", url, {**policy, "notificationChannels": channels})
        return
    fields = FIELDS
    if settings.channels:
        policy, fields = (
            {**policy, "notificationChannels": channels},
            f"{FIELDS},notificationChannels",
        )
    _await_metric(cloud, "PATCH", f"{MONITORING}/{found['name']}?updateMask={fields}", policy)


def _await_metric(cloud: Cloud, method: str, url: str, policy: dict[str, Any]) -> None:
    persist(
        cloud, lambda: cloud.send(method, url, policy), UNKNOWN_METRIC,
        patience=METRIC_KNOWN_WITHIN, reason="Monitoring does not know the new metric yet",
    )  # fmt: skip


def find_policies(cloud: Cloud, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return our policies by the name of their file."""
    titles = {json.loads(file.read_text())["displayName"]: file.stem
              for file in POLICIES.glob("*.json")}  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    url = f"{MONITORING}/projects/{settings.project}/alertPolicies"
    for policy in list_pages(cloud, url, "alertPolicies"):
        labels = policy.get("userLabels", {})
        label = labels.get(LABEL) or titles.get(policy["displayName"])
        if label and labels.get(ENVIRONMENT, "") == settings.label:
            found[label] = policy
    return found


def _choose_channels(settings: Settings, policies: dict[str, dict[str, Any]]) -> list[str]:
    """Return the channels for new policies: CHANNELS, or those of the existing policies."""
    stated = split_list(settings.channels)
    for channel in stated:
        if not _CHANNEL.fullmatch(channel):
            raise Unusable(
                f"CHANNELS has {channel!r}: write projects/PROJECT/notificationChannels/NUMBER; "
                "`gcloud beta monitoring channels list` shows the names"
            )
    kept = sorted(
        {each for one in policies.values() for each in one.get("notificationChannels", [])}
    )
    if not stated and not kept:
        raise Unusable(
            "these alerts would reach nobody: set CHANNELS=projects/PROJECT/notificationChannels/"
            "NUMBER; `gcloud beta monitoring channels create --display-name=ops --type=email "
            "--channel-labels=email_address=ops@example.com` creates a channel"
        )
    return stated or kept
