"""New revisions beside the old ones; then the traffic, or back again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.gcloud import Gcloud
from deploy.services import (
    BEFORE,
    NEXT,
    RELEASE,
    Service,
    describe_deployment,
    list_services,
    release_of,
)
from deploy.settings import Settings, Unusable


def stage(gcloud: Gcloud, settings: Settings, image: str) -> None:
    """Deploy, without traffic, every service that is not yet what it is to be.

    Raises Unusable, with nothing deployed, if one of the names belongs to somebody else's service.
    """
    present = _find_present(gcloud, settings)
    for service in list_services(settings.mode):
        if service.name in present and RELEASE not in _labels_of(present[service.name]):
            raise Unusable(
                f"there is a service {service.name} that no build of ours has deployed; if it may "
                f"be replaced: gcloud run services update {service.name} "
                f"--region={settings.region} --update-labels={RELEASE}=replace"
            )

    def deploy(service: Service) -> None:
        flags = describe_deployment(service, settings, image)
        release, deployed = release_of(flags), present.get(service.name)
        if deployed is not None and _is_ready_as(deployed, release):
            return
        # A service that is new has no traffic that could be held back, and gcloud refuses to.
        held = [] if deployed is None else ["--no-traffic"]
        gcloud.change(
            "run", "deploy", service.name, f"--region={settings.region}", *flags,
            f"--labels={RELEASE}={release}", f"--tag={NEXT}", *held,
        )  # fmt: skip

    gcloud.each(deploy, list_services(settings.mode))


def release(gcloud: Gcloud, settings: Settings) -> None:
    """Move all traffic to the staged revisions; what served until now can be gone back to.

    The machinery goes first: whatever starts a saga of a new version finds a worker that knows it.
    A release that was broken off is taken up where it was when the same build runs again.
    """
    services, present = list_services(settings.mode), _find_present(gcloud, settings)
    traffic = {service.name: _Traffic.of(present[service.name]) for service in services}
    if all(each.serving == each.next for each in traffic.values()):
        return
    mark = BEFORE + release_of([f"{name} {each.next}" for name, each in traffic.items()])[:8]

    def remember(service: Service) -> None:
        # Also where nothing moves: to go back is to go back to before this release, not further.
        now = traffic[service.name]
        if now.serving and mark not in now.before:
            forget = [f"--remove-tags={','.join(now.before)}"] if now.before else []
            changes = [f"--update-tags={mark}={now.serving}", *forget]
            _change_traffic(gcloud, settings, service, *changes)

    def move(service: Service) -> None:
        now = traffic[service.name]
        if now.serving != now.next:
            _change_traffic(gcloud, settings, service, f"--to-tags={NEXT}=100")

    gcloud.each(remember, services)
    _each_group(gcloud, services, move, machinery_first=True)


def roll_back(gcloud: Gcloud, settings: Settings) -> None:
    """Move all traffic to what served before the last release; what starts sagas goes first."""
    present = _find_present(gcloud, settings)
    services = [each for each in list_services(settings.mode) if each.name in present]
    traffic = {service.name: _Traffic.of(present[service.name]) for service in services}
    if len({mark for each in traffic.values() for mark in each.before}) > 1:
        raise Unusable("the last release was broken off before any traffic moved: build again")

    def move(service: Service) -> None:
        now = traffic[service.name]
        for mark, revision in now.before.items():
            if revision != now.serving:
                _change_traffic(gcloud, settings, service, f"--to-tags={mark}=100")

    _each_group(gcloud, services, move, machinery_first=False)


def find_leftovers(gcloud: Gcloud, settings: Settings) -> list[str]:
    """Return the services that a build has deployed once and the table has no more."""
    wanted = {service.name for service in list_services(settings.mode)}
    present = _find_present(gcloud, settings)
    return sorted(
        name
        for name, service in present.items()
        if name not in wanted and RELEASE in _labels_of(service)
    )


@dataclass(frozen=True, slots=True)
class _Traffic:
    """The revisions of a service that matter; `before` has what a release has marked, by tag."""

    serving: str | None
    next: str | None
    before: dict[str, str]

    @classmethod
    def of(cls, deployed: Any) -> "_Traffic":
        targets = deployed["status"].get("traffic", [])
        tagged = {target["tag"]: target["revisionName"] for target in targets if "tag" in target}
        serving = [each["revisionName"] for each in targets if each.get("percent") == 100]
        before = {tag: name for tag, name in tagged.items() if tag.startswith(BEFORE)}
        return cls(serving[0] if serving else None, tagged.get(NEXT), before)


def _change_traffic(gcloud: Gcloud, settings: Settings, service: Service, *changes: str) -> None:
    region = f"--region={settings.region}"
    gcloud.change("run", "services", "update-traffic", service.name, region, *changes)


def _each_group(
    gcloud: Gcloud,
    services: list[Service],
    move: Callable[[Service], None],
    *,
    machinery_first: bool,
) -> None:
    for machinery in (machinery_first, not machinery_first):
        gcloud.each(move, [each for each in services if each.is_machinery is machinery])


def _find_present(gcloud: Gcloud, settings: Settings) -> dict[str, Any]:
    listed = gcloud.read("run", "services", "list", f"--region={settings.region}") or []
    return {service["metadata"]["name"]: service for service in listed}


def _is_ready_as(deployed: Any, release: str) -> bool:
    """Tell whether the newest revision is of a release, and was found able to serve."""
    status, deployed_as = deployed["status"], _labels_of(deployed).get(RELEASE)
    newest = status.get("latestCreatedRevisionName")
    return bool(deployed_as == release and newest == status.get("latestReadyRevisionName"))


def _labels_of(deployed: Any) -> dict[str, str]:
    return deployed["metadata"].get("labels") or {}
