"""Excludes Cloud Run's own log lines for deliveries and sweeps that got a 2xx."""

from typing import Any

from deploy.cloud.client import Cloud
from deploy.cloud_run.services import SWEEP, WORKER
from deploy.observability.alerts import LOGGING
from deploy.settings import Settings
from deploy.table import deployed_name


def describe_exclusion(settings: Settings) -> dict[str, Any]:
    """Return the exclusion; our own line for the same request stays, and says more."""
    names = " OR ".join(f'"{deployed_name(target, settings)}"' for target in (WORKER, SWEEP))
    return {
        "name": settings.named("amends-deliveries"),
        "description": "Deliveries and sweeps that got a 2xx",
        "filter": (
            f'resource.type="cloud_run_revision" AND resource.labels.service_name=({names}) AND '
            'log_id("run.googleapis.com/requests") AND httpRequest.status<300'
        ),
    }


def apply_exclusion(cloud: Cloud, settings: Settings) -> None:
    """Add the exclusion to the project's default sink, and keep its other exclusions."""
    ours = describe_exclusion(settings)
    present = find_exclusions(cloud, settings)
    if ours not in present:
        others = [each for each in present if each["name"] != ours["name"]]
        write_exclusions(cloud, settings, [*others, ours])


def find_exclusions(cloud: Cloud, settings: Settings) -> list[dict[str, Any]]:
    """Return every exclusion of the sink."""
    keys = ("name", "description", "filter", "disabled")
    sink = cloud.get(_url_of(settings)) or {}
    return [{key: one[key] for key in keys if key in one} for one in sink.get("exclusions", [])]


def write_exclusions(cloud: Cloud, settings: Settings, wanted: list[dict[str, Any]]) -> None:
    """Replace only the exclusions of the sink."""
    cloud.send("PATCH", f"{_url_of(settings)}?updateMask=exclusions", {"exclusions": wanted})


def _url_of(settings: Settings) -> str:
    return f"{LOGGING}/projects/{settings.project}/sinks/_Default"
