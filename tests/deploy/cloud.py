"""A deployment's cloud in memory: the fake project, gcloud's commands, and a fake clock."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from deploy.cloud.client import render, render_request
from deploy.cloud.gcloud import Shell
from deploy.project.setup import set_up
from deploy.settings import Settings
from tests.deploy.project.project import Project
from tests.deploy.project.words import Words

SETTINGS = Settings(
    project="shop-1",
    project_number="123456789012",
    callers="user:Ann@example.com,group:ops@example.com",
    operators="user:olga@example.com",
)

OWNER = "user:owner@example.com"
BUILD = "serviceAccount:amends-build@shop-1.iam.gserviceaccount.com"
IMAGE = "europe-west1-docker.pkg.dev/shop-1/amends/amends@sha256:1"


class Cloud(Shell):
    """One project, used by one member. `changes` lists the commands that changed something."""

    def __init__(self, member: str = OWNER, project: Project | None = None) -> None:
        self.project = project or Project()
        self.changes: list[str] = []
        self.said: list[str] = []
        self.act_as(member)

    def act_as(self, member: str) -> "Cloud":
        """Act as another member from now on."""
        words = Words(self.project, member)

        def run(said: Any) -> tuple[int, str, str]:
            self.said.append(render(*said).removesuffix(" --quiet"))
            if said[:2] == ["auth", "print-access-token"]:
                return 0, member, ""
            return words(said)

        super().__init__("shop-1", run, self.project.fetch)
        return self

    def now(self) -> float:
        return self.project.state.now

    def sleep(self, pause: timedelta) -> None:
        self.project.state.now += pause.total_seconds()

    def each(self, action: Callable[[Any], object], items: Iterable[Any]) -> None:
        for item in items:
            action(item)

    def change(self, *words: str) -> None:
        self.changes.append(render(*words, "--project=shop-1"))
        super().change(*words)

    def send(self, method: str, url: str, body: Any) -> Any:
        if not url.endswith(":generateIdToken"):
            self.changes.append(render_request(method, url, body))
        return super().send(method, url, body)

    def take_changes(self) -> list[str]:
        changes, self.changes = self.changes, []
        return changes

    # What a test reads from the project

    def service(self, name: str) -> dict[str, Any]:
        return self.project.run.show(self._full(name))

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        place = "projects/shop-1/locations/europe-west1"
        found = self.project.state.below(place, "services")
        return {each["name"].rpartition("/")[2]: self.service(each["name"]) for each in found}

    def serving(self, name: str) -> str:
        targets = self.service(name).get("trafficStatuses", [])
        return next((str(each["revision"]) for each in targets if each.get("percent") == 100), "")

    def invokers(self, name: str) -> set[str]:
        policy = self.project.state.policy_of(self._full(name))
        bindings = policy.get("bindings", [])
        return {
            m for each in bindings if each["role"] == "roles/run.invoker" for m in each["members"]
        }

    def _full(self, name: str) -> str:
        place = "projects/shop-1/locations/europe-west1/services"
        return name if "/" in name else f"{place}/{name}"


def variables_of(stated: dict[str, Any]) -> dict[str, str]:
    """Return the plain environment of a service."""
    listed = stated["template"]["containers"][0]["env"]
    return {each["name"]: each.get("value", "") for each in listed if "valueSource" not in each}


def make_cloud(settings: Settings = SETTINGS) -> Cloud:
    """Return a project that is set up, fully propagated, and used by its build."""
    cloud = Cloud()
    set_up(cloud, settings)
    cloud.sleep(timedelta(minutes=10))
    cloud.act_as(BUILD)
    cloud.take_changes()
    return cloud
