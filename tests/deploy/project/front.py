"""Cloud Run's front end, as far as a smoke test needs it: access, and routing to revisions."""

import json
import re
from typing import Any

from tests.deploy.project import tables
from tests.deploy.project.run import Run
from tests.deploy.project.state import State

HOST = re.compile(
    r"https://(?:(?P<tag>[a-z0-9-]+)---)?(?P<name>[a-z0-9-]+)-(?P<number>\d+)"
    r"\.(?P<region>[a-z0-9-]+)\.run\.app/(?P<path>[^?]*)(?:\?(?P<query>.*))?"
)


class Front:
    """Answers requests to services. `answers` has a status for broken functions."""

    def __init__(self, state: State, run: Run) -> None:
        self._state, self._run = state, run
        self.answers: dict[str, int] = {}
        #: Every admitted request: the revision, the function, and the caller.
        self.served: list[tuple[str, str, str]] = []

    def __call__(self, method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        found = HOST.fullmatch(url)
        assert found, url
        place = f"projects/{self._state.project}/locations/{found['region']}"
        name = f"{place}/services/{found['name']}"
        if name not in self._state.resources:
            return 404, "no such service"
        service = self._run.show(name)
        revision = _revision_for(service, found["tag"])
        if revision is None:
            return 404, "no such tag"
        root = f"https://{found['name']}-{found['number']}.{found['region']}.run.app"
        member = self._let_in(service, token, root)
        if member is None:
            return 403, "Your client does not have permission to get this URL."
        self.served.append((revision, found["path"], member))
        if found["path"] in self.answers:
            return self.answers[found["path"]], "{}"
        return self._answer(found["path"], found["tag"], service, body)

    def _let_in(self, service: dict[str, Any], token: str, root: str) -> str | None:
        """Return the caller: IAM has verified the token, or its check is off."""
        member, _, audience = token.partition(" for ")
        if audience != root and not service.get("invokerIamDisabled"):
            return None
        allowed = self._state.allows(member, "run.routes.invoke", service["name"])
        return member if allowed or service.get("invokerIamDisabled") else None

    def _answer(
        self, path: str, tag: str | None, service: dict[str, Any], body: Any
    ) -> tuple[int, str]:
        if path == "start-saga":
            fault = self._fault_of_start(service, tag)
            return (500, fault) if fault else (202, json.dumps({"id": body["id"]}))
        if path == "list-sagas" and self._indexes_are_building():
            return 500, "no matching index found"
        return 200, json.dumps({"status": "COMPLETED"})

    def _fault_of_start(self, service: dict[str, Any], tag: str | None) -> str:
        """Return what would stop a saga: the data, the task, the account of its calls."""
        template = service["template"]
        account = f"serviceAccount:{template['serviceAccount']}"
        variables = {
            each["name"]: each.get("value", "") for each in template["containers"][0]["env"]
        }
        database = variables["AMENDS_DATABASE"] or "(default)"
        database = f"projects/{self._state.project}/databases/{database}"
        queue = (
            f"projects/{self._state.project}/locations/{variables['AMENDS_LOCATION']}"
            f"/queues/{variables['AMENDS_QUEUES'].split(',')[0]}"
        )
        tasks = f"serviceAccount:{variables['AMENDS_TASKS_SERVICE_ACCOUNT']}"
        named = f"projects/{self._state.project}/serviceAccounts/{tasks.partition(':')[2]}"
        host = HOST.fullmatch(variables["AMENDS_WORKER_URL"] + "/")
        worker = f"{service['name'].rpartition('/')[0]}/{host['name'] if host else ''}"
        needs = [
            (account, "datastore.entities.create", database),
            (account, "cloudtasks.tasks.create", queue),
            (account, "iam.serviceAccounts.actAs", named),
            (tasks, "run.routes.invoke", worker),
        ]
        for member, permission, name in needs:
            if name not in self._state.resources or not self._state.allows(
                member, permission, name
            ):
                return f"{member} has no {permission} on {name}"
        return "" if _revision_for(self._run.show(worker), tag) else "the worker is not staged"

    def _indexes_are_building(self) -> bool:
        return any(
            at + tables.INDEX_BUILDS > self._state.now
            for name, at in self._state.made.items()
            if "/indexes/" in name
        )


def _revision_for(service: dict[str, Any], tag: str | None) -> str | None:
    targets = service.get("trafficStatuses", [])
    for each in targets:
        if each.get("tag") == tag if tag else each.get("percent"):
            return str(each["revision"])
    return None
