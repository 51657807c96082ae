"""Cloud Run's Admin API (v2): reads services, changes them, and waits for the result."""

from datetime import timedelta
from typing import Any

from deploy.cloud.client import Cloud, Failed, list_pages
from deploy.cloud.retry import persist, wait_until
from deploy.cloud_run.services import ENVIRONMENT, RELEASE
from deploy.settings import Settings

ROOT = "https://run.googleapis.com/v2"

#: How long a revision may take to be ready.
DEPLOYED_WITHIN = timedelta(minutes=15)

Resource = dict[str, Any]


def find_services(cloud: Cloud, settings: Settings) -> dict[str, Resource]:
    """Return every service of the region by name, also services that are not ours."""
    listed = list_pages(cloud, f"{_parent(settings)}/services", "services")
    return {short(service["name"]): service for service in listed}


def find_revision(cloud: Cloud, settings: Settings, service: str, revision: str) -> Resource:
    """Return a revision of a service. Raises Failed if it does not exist."""
    url = f"{_parent(settings)}/services/{service}/revisions/{revision}"
    return dict(cloud.get(url) or {})


def apply_service(cloud: Cloud, settings: Settings, name: str, stated: Resource) -> None:
    """Create or replace a service as described.

    Returns when its newest revision is ready; raises Failed if it fails or takes too long.
    """
    url = f"{_parent(settings)}/services/{name}?allowMissing=true"
    begun = persist(cloud, lambda: cloud.send("PATCH", url, stated))
    _finish(cloud, f"{name} is deployed", begun or {"done": True})


def delete_service(cloud: Cloud, settings: Settings, name: str) -> None:
    """Delete a service, and return when it is gone."""
    begun = persist(
        cloud, lambda: cloud.send("DELETE", f"{_parent(settings)}/services/{name}", None)
    )
    _finish(cloud, f"{name} is deleted", begun or {"done": True})


def apply_traffic(cloud: Cloud, settings: Settings, name: str, targets: list[Resource]) -> None:
    """Set only the traffic of a service's revisions."""
    url = f"{_parent(settings)}/services/{name}?updateMask=traffic"
    begun = persist(cloud, lambda: cloud.send("PATCH", url, {"traffic": targets}))
    _finish(cloud, f"the traffic of {name} moves", begun or {"done": True})


def set_members(cloud: Cloud, settings: Settings, name: str, role: str, change: Any) -> None:
    """Set the members of a role on a service to what `change` returns for the current ones.

    One write replaces them, so no member loses the role in between. If another writer was faster,
    reads the members and calls `change` again.
    """
    url = f"{_parent(settings)}/services/{name}"

    def attempt() -> None:
        policy = cloud.get(f"{url}:getIamPolicy?options.requestedPolicyVersion=3") or {}
        bindings = policy.get("bindings", [])
        others = [each for each in bindings if each["role"] != role]
        plain = [each for each in bindings if each["role"] == role and "condition" not in each]
        present = [member for each in plain for member in each["members"]]
        wanted = change(present)
        conditional = len(others) + len(plain) < len(bindings)
        if wanted == present and not conditional:
            return
        binding = [{"role": role, "members": wanted}] if wanted else []
        cloud.send("POST", f"{url}:setIamPolicy", {
            "policy": {"version": 3, "etag": policy.get("etag", ""), "bindings": others + binding}
        })  # fmt: skip

    persist(cloud, attempt)


def is_ours(service: Resource, settings: Settings) -> bool:
    """Tell whether a build of this environment deployed a service."""
    labels = service.get("labels", {})
    return RELEASE in labels and labels.get(ENVIRONMENT, "") == settings.label


def short(name: str) -> str:
    """Return the last part of a resource's name."""
    return name.rpartition("/")[2]


def _parent(settings: Settings) -> str:
    return f"{ROOT}/projects/{settings.project}/locations/{settings.region}"


def _finish(cloud: Cloud, what: str, operation: Resource) -> None:
    """Wait for a long-running operation; raise Failed with its error."""
    newest = operation

    def done() -> bool:
        nonlocal newest
        if not newest.get("done"):
            newest = cloud.get(f"{ROOT}/{newest['name']}")
        return bool(newest.get("done"))

    wait_until(cloud, done, what, patience=DEPLOYED_WITHIN)
    if error := newest.get("error"):
        raise Failed(f"{what}: failed: {error.get('message', error)}")
