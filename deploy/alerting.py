"""Alerts: log-based metrics and alert policies, each a file that gcloud takes as it is."""

import json
from pathlib import Path

from deploy.gcloud import Gcloud
from deploy.settings import PROJECT, Settings

METRICS = PROJECT / "deploy" / "metrics"
POLICIES = PROJECT / "deploy" / "alerts"


def apply_alerts(gcloud: Gcloud, settings: Settings) -> None:
    """Create the metrics and the policies that are not there, and update the others."""
    listed = gcloud.read("logging", "metrics", "list") or []
    present = {metric["name"] for metric in listed}
    for file in sorted(METRICS.glob("*.json")):
        verb = "update" if file.stem in present else "create"
        words = ("logging", "metrics", verb, file.stem, f"--config-from-file={_show(file)}")
        gcloud.change(*words)
    _apply_policies(gcloud, settings)


def _apply_policies(gcloud: Gcloud, settings: Settings) -> None:
    listed = gcloud.read("alpha", "monitoring", "policies", "list") or []
    names = {policy["displayName"]: policy["name"] for policy in listed}
    channels = [f"--notification-channels={settings.channels}"] if settings.channels else []
    for file in sorted(POLICIES.glob("*.json")):
        title = json.loads(file.read_text())["displayName"]
        source = f"--policy-from-file={_show(file)}"
        if title not in names:
            gcloud.change("alpha", "monitoring", "policies", "create", source, *channels)
            continue
        replaced = [each.replace("--notif", "--set-notif") for each in channels]
        gcloud.change("alpha", "monitoring", "policies", "update", names[title], source, *replaced)


def _show(file: Path) -> str:
    return str(file.relative_to(PROJECT))
