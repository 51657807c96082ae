"""Stages new revisions, moves traffic to them, or moves it back."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from deploy.cloud.client import Cloud
from deploy.cloud_run.api import (
    Resource,
    apply_service,
    apply_traffic,
    find_services,
    is_ours,
    short,
)
from deploy.cloud_run.comparison import agrees
from deploy.cloud_run.services import (
    COMMIT,
    ENVIRONMENT,
    MODE,
    RELEASE,
    CloudRunService,
    describe_service,
    list_services,
    release_of,
)
from deploy.cloud_run.traffic import Traffic
from deploy.rollout.canary import check_canary
from deploy.settings import Settings, Unusable
from deploy.table import API, BEFORE, MARK_DIGITS, deployed_name
from main import FUNCTIONS


def stage(cloud: Cloud, settings: Settings, image: str, definitions: str = "") -> None:
    """Deploy, without traffic, every service that differs from its description.

    `definitions` has the image's sagas: see deploy.rollout.canary. A new service serves its first
    revision immediately, but has no callers until the release lets them in. Raises Unusable and
    deploys nothing if a service that is not ours has one of the names.
    """
    services, present = list_services(settings), find_services(cloud, settings)
    belongs = f",{ENVIRONMENT}={settings.label}" if settings.prefix else ""
    for service in services:
        if service.name in present and not is_ours(present[service.name], settings):
            raise Unusable(
                f"the service {service.name} exists, but no build of {settings.environment} has "
                f"deployed it; to replace it: gcloud run services update {service.name} "
                f"--region={settings.region} --update-labels={RELEASE}=replace{belongs}"
            )

    def deploy(service: CloudRunService) -> None:
        stated = describe_service(service, settings, image, definitions)
        deployed = present.get(service.name, {})
        if deployed and _is_ready_as(deployed, stated):
            return
        # If the same description is deployed again, for example after a manual change, its revision
        # needs a new name.
        revision = f"{stated['template']['revision']}-{secrets.token_hex(2)}"
        stated["template"]["revision"] = revision
        stated["traffic"] = Traffic.of(deployed).staged(revision).targets()
        apply_service(cloud, settings, service.name, stated)

    cloud.each(deploy, services)


def release(cloud: Cloud, settings: Settings) -> None:
    """Move the traffic to the staged revisions, and mark the current ones for a rollback.

    The worker moves first, so that it knows every saga that a new version starts. If a release is
    interrupted, running the same build again continues it. With CANARY only that percentage moves;
    raises Unusable if the two versions cannot serve at the same time.
    """
    services, present = list_services(settings), find_services(cloud, settings)
    _check_staged(services, present)
    traffic = {service.name: Traffic.of(present[service.name]) for service in services}
    if all(each.serving == each.next for each in traffic.values()):
        return
    mark, percent = mark_of(traffic), settings.canary_percent
    if percent < 100:
        check_canary(cloud, settings, traffic)

    def remember(service: CloudRunService) -> None:
        # Also if this service does not move, so that a rollback goes back only this release.
        now = traffic[service.name]
        if now.baseline and mark not in now.before:
            traffic[service.name] = now.marked(mark)
            apply_traffic(cloud, settings, service.name, traffic[service.name].targets())

    cloud.each(remember, services)
    _move_on(cloud, settings, traffic, percent)


def promote(cloud: Cloud, settings: Settings) -> None:
    """Move all traffic, or CANARY percent, to the revisions that a build has begun to release.

    The services are those of the last release, as in `roll_back`; their callers do not change.
    Raises Unusable if no build has tested and begun to release the staged revisions.
    """
    released = _find_released(cloud, settings)
    traffic = {name: Traffic.of(each) for name, each in released.items()}
    mark = mark_of(traffic)
    if all(each.serving == each.next for each in traffic.values()):
        raise Unusable("nothing was moved: every service already serves its staged revision")
    if not all(mark in each.before for each in traffic.values() if each.baseline != each.next):
        raise Unusable("no build has begun to release the staged revisions; submit the build again")
    _refuse_unchecked(released)
    if settings.canary_percent < 100:
        check_canary(cloud, settings, traffic)
    _move_on(cloud, settings, traffic, settings.canary_percent)


def mark_of(traffic: Mapping[str, Traffic]) -> str:
    """Return the tag for the revisions before a release; it depends on the new revisions only."""
    nexts = [f"{name} {each.next}" for name, each in sorted(traffic.items())]
    return BEFORE + release_of(nexts)[:MARK_DIGITS]


def _move_on(
    cloud: Cloud, settings: Settings, traffic: Mapping[str, Traffic], percent: int
) -> None:
    def move(name: str) -> None:
        now = traffic[name]
        moved = now.moved(now.next, percent) if now.next and now.serving != now.next else now
        if moved.shares != now.shares:
            apply_traffic(cloud, settings, name, moved.targets())

    _each_group(cloud, settings, traffic, move, internal_first=True)


def roll_back(cloud: Cloud, settings: Settings) -> None:
    """Move all traffic back to the revisions before the last release, the worker last.

    The services are those of the last release, by their label; MODE does not matter.
    """
    released = _find_released(cloud, settings)
    traffic = {name: Traffic.of(each) for name, each in released.items()}
    if len({mark for each in traffic.values() for mark in each.before}) > 1:
        raise Unusable(
            "nothing was rolled back: the last release was interrupted before any traffic moved; "
            "run the build again"
        )
    back = {name: next(iter(each.before.values()), None) for name, each in traffic.items()}
    if not any(revision and revision != traffic[name].serving for name, revision in back.items()):
        raise Unusable("nothing was rolled back: no service has an earlier revision to serve")

    def move(name: str) -> None:
        revision = back[name]
        if revision and revision != traffic[name].serving:
            apply_traffic(cloud, settings, name, traffic[name].moved(revision).targets())

    _each_group(cloud, settings, traffic, move, internal_first=False)


def _find_released(cloud: Cloud, settings: Settings) -> dict[str, Resource]:
    """Return the services of the last release: those of the worker's mode that are in the table.

    A service that is no longer in the table still has the tag of an older release.
    """
    known = {deployed_name(target, settings) for target in [*FUNCTIONS, API]}
    ours = {
        name: each
        for name, each in find_services(cloud, settings).items()
        if name in known and is_ours(each, settings)
    }
    worker = ours.get(deployed_name("run_saga_step", settings), {})
    mode = worker.get("labels", {}).get(MODE)
    return {name: each for name, each in ours.items() if each["labels"].get(MODE) == mode}


def find_obsolete(cloud: Cloud, settings: Settings) -> list[str]:
    """Return the deployed services that are no longer in the table."""
    wanted = {service.name for service in list_services(settings)}
    present = find_services(cloud, settings)
    return sorted(
        name for name, each in present.items() if name not in wanted and is_ours(each, settings)
    )


def _check_staged(services: list[CloudRunService], present: dict[str, Resource]) -> None:
    """Raise Unusable if a service is missing, or admits callers without asking IAM."""
    if absent := sorted(each.name for each in services if each.name not in present):
        raise Unusable(f"not staged yet: {', '.join(absent)}; run the build again")
    if not_ready := sorted(
        each.name for each in services if not Traffic.of(present[each.name]).next
    ):
        raise Unusable(f"no staged revision of {', '.join(not_ready)}; run the build again")
    _refuse_unchecked({each.name: present[each.name] for each in services})


def _refuse_unchecked(services: Mapping[str, Resource]) -> None:
    if unchecked := sorted(n for n, each in services.items() if each.get("invokerIamDisabled")):
        raise Unusable(
            f"no traffic was moved, because the IAM check of {', '.join(unchecked)} is disabled: "
            "any caller can claim any identity; run the build again, which enables it"
        )


def _each_group(
    cloud: Cloud,
    settings: Settings,
    names: Iterable[str],
    move: Callable[[str], None],
    *,
    internal_first: bool,
) -> None:
    internal = {
        deployed_name(target, settings)
        for target, function in FUNCTIONS.items()
        if function.invoker in ("tasks", "scheduler")
    }
    listed = list(names)
    for first in (internal_first, not internal_first):
        cloud.each(move, [name for name in listed if (name in internal) is first])


def _is_ready_as(deployed: Resource, stated: dict[str, Any]) -> bool:
    """Tell whether a service is as described: its newest revision is ours, ready and unchanged.

    A manual change creates a revision with another name, or changes the service.
    """
    newest = short(deployed.get("latestCreatedRevision", ""))
    ours = stated["template"]["revision"]
    # A different commit alone is no reason to deploy: it may not have changed this service.
    labels = {name: each for name, each in stated["labels"].items() if name != COMMIT}
    unnamed = {
        **stated, "labels": labels, "template": {**stated["template"], "revision": newest},
    }  # fmt: skip
    return (
        newest.startswith(f"{ours}-")
        and newest == short(deployed.get("latestReadyRevision", ""))
        and Traffic.of(deployed).next == newest
        and agrees(unnamed, deployed)
    )
