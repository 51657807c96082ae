"""A strict fake project of Google Cloud: it checks every request against its tables."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.deploy.project import tables
from tests.deploy.project.apis import Apis, locations
from tests.deploy.project.front import Front
from tests.deploy.project.run import Run
from tests.deploy.project.state import Refused, Resource, State, missing
from tests.deploy.project.storage import Storage

Query = dict[str, str]

#: The permissions of custom verbs, except for policies.
CUSTOM = {"generateIdToken": "iam.serviceAccounts.getOpenIdToken",
          "generateAccessToken": "iam.serviceAccounts.getAccessToken"}  # fmt: skip


class Project:
    """Answers requests to its APIs for the member that the token names.

    A token is the member's own name, as IAM spells it. `log` has every request and its status.
    """

    def __init__(self) -> None:
        self.state = State()
        self.run = Run(self.state)
        self.front = Front(self.state, self.run)
        self.log: list[tuple[str, str, str, int]] = []
        #: Answers for requests whose `METHOD path` matches a pattern, each used once.
        self.faults: list[tuple[re.Pattern[str], Refused]] = []
        #: Every submitted build, as requested.
        self.builds: list[Resource] = []
        self._apis = Apis(self.state)
        self._storage = Storage(self.state, self._apis)
        owner = {"role": "roles/owner", "members": ["user:owner@example.com"]}
        project = f"projects/{self.state.project}"
        self.state.put(project, {"name": project, "projectId": self.state.project})
        sink = f"{project}/sinks/_Default"
        self.state.put(sink, {"name": sink})
        self.state.policies[project] = [
            (-1.0, {"etag": "BwX00000", "version": 1, "bindings": [owner]})
        ]

    def handle(self, method: str, url: str, token: str, body: Any = None) -> tuple[int, Resource]:
        """Answer one request: a status and a JSON body."""
        answer: Resource
        try:
            answer, status = self._answer(method, url, token, body), 200
        except Refused as refused:
            status = refused.status
            error = {"code": status, "status": refused.word, "message": refused.message}
            answer = {"error": error}
        self.log.append((token, method, url, status))
        return status, answer

    def fetch(self, method: str, url: str, token: str, body: Any = None) -> tuple[int, str]:
        """Answer as deploy.cloud.gcloud.fetch does, and services too."""
        if ".run.app/" in url:
            return self.front(method, url, token, body)
        status, answer = self.handle(method, url, token, body)
        return status, json.dumps(answer)

    def _answer(self, method: str, url: str, token: str, body: Any) -> Resource:
        parts = urlsplit(url)
        api = (parts.hostname or "").removesuffix(".googleapis.com")
        query = dict(parse_qsl(parts.query))
        path = re.sub(r"^/(storage/)?(v\w+)/", "", unquote(parts.path)).strip("/")
        for number, (pattern, refused) in enumerate(self.faults):
            if pattern.search(f"{method} {path}"):
                del self.faults[number]
                raise refused
        self._check_enabled(api)
        path = path.replace("projects/-/", f"projects/{self.state.project}/")
        if api == "serviceusage":
            return self._serviceusage(method, path, token, body)
        if api == "cloudbuild":
            return self._submit(path, token, body)
        if api == "storage":
            return self._storage.answer(method, path, query, token, body)
        if path.endswith("/locations") and method == "GET":
            names = tables.DATABASE_LOCATIONS if api == "firestore" else tables.TASKS_REGIONS
            listed: Resource = locations(names, path.removesuffix("/locations"))
            return listed
        if "/operations/" in path:
            done: Resource = {"name": path, "done": True, "response": {}}
            return self.run.operation(path) if api == "run" else done
        return self._resource(api, method, path, query, token, body)

    def _check_enabled(self, api: str) -> None:
        enabled = self.state.enabled.get(api)
        if api in tables.ALWAYS_ON:
            return
        if enabled is None or enabled + tables.API_SPREADS > self.state.now:
            raise Refused(
                403, "PERMISSION_DENIED",
                f"{api} API has not been used in project {self.state.project} before or it is "
                "disabled.",
            )  # fmt: skip

    def _resource(
        self, api: str, method: str, path: str, query: Query, token: str, body: Any
    ) -> Resource:
        name, _, verb = path.partition(":")
        parent, _, last = name.rpartition("/")
        if verb in ("getIamPolicy", "setIamPolicy"):
            return self._policy(api, name, verb, token, body)
        if verb in CUSTOM:
            self.state.check(token, CUSTOM[verb], name)
            return {"token": f"serviceAccount:{last} for {body['audience']}"}
        if (api, last) in tables.COLLECTIONS:
            needed = tables.COLLECTIONS[api, last]
            if method == "GET":
                self.state.check(token, f"{needed}.list", parent)
                if api == "run":
                    return self.run.list(parent, query)
                return self._apis.list(api, parent, last)
            self.state.check(token, f"{needed}.create", parent)
            return self._created(
                api, self._apis.create(api, parent, last, _inner(api, body), query), token
            )
        needed = tables.COLLECTIONS.get((api, parent.rpartition("/")[2]), f"{api}.things")
        if method == "GET":
            self.state.check(token, f"{needed}.get", name)
            return self.run.show(name) if api == "run" else self._apis.show(name)
        if method == "DELETE":
            self.state.check(token, f"{needed}.delete", name)
            self.state.find(name)
            del self.state.resources[name]
            return _operation(name) if api == "artifactregistry" else {}
        self.state.check(token, f"{needed}.update", name)
        if api == "run":
            return self.run.patch(name, body, query, token)
        if api == "firestore" and "/fields/" in name and name not in self.state.resources:
            self.state.put(name, {"name": name})
        if api == "cloudscheduler":
            self._check_scheduler_account(body, token)
        updated = self._apis.update(name, body, query)
        return _operation(name) if api == "firestore" else updated

    def _created(self, api: str, resource: Resource, token: str) -> Resource:
        if api == "cloudscheduler":
            self._check_scheduler_account(resource, token)
        return (
            _operation(resource["name"]) if api in ("firestore", "artifactregistry") else resource
        )

    def _check_scheduler_account(self, job: Resource, token: str) -> None:
        email = job.get("httpTarget", {}).get("oidcToken", {}).get("serviceAccountEmail")
        if email:
            self.state.check(token, "iam.serviceAccounts.actAs", self.state.account(email))

    def _policy(self, api: str, name: str, verb: str, token: str, body: Any) -> Resource:
        kind = name.split("/")[-2]
        needed = tables.COLLECTIONS.get((api, kind), "resourcemanager.projects")
        if kind == "serviceAccounts":
            self.state.account(name.rpartition("/")[2])
        self.state.find(name)
        self.state.check(token, f"{needed}.{verb}", name)
        if verb == "getIamPolicy":
            return self.state.policy_of(name)
        return self.state.set_policy(name, body["policy"])

    def _serviceusage(self, method: str, path: str, token: str, body: Any) -> Resource:
        place = f"projects/{self.state.project}"
        if path.endswith(("services:batchEnable", ":enable")):
            self.state.check(token, "serviceusage.services.enable", place)
            named = (body or {}).get("serviceIds") or [path.rpartition("/")[2].partition(":")[0]]
            for api in named:
                self.state.enabled.setdefault(api.removesuffix(".googleapis.com"), self.state.now)
            return {"name": "operations/acf.p2-1", "done": True, "response": {}}
        if "operations/" in path:
            return {"name": path, "done": True, "response": {}}
        raise missing(path)

    def _submit(self, path: str, token: str, body: Any) -> Resource:
        """Accept a build from a member that may create one and act as its account."""
        place = f"projects/{self.state.project}"
        self.state.check(token, "cloudbuild.builds.create", place)
        self.state.check(token, "serviceusage.services.use", place)
        stated = {**body.get("substitutions", {}), "PROJECT_ID": self.state.project}
        named = re.sub(r"\$\{(\w+)\}", lambda found: stated[found[1]], body["serviceAccount"])
        account = self.state.account(named.rpartition("/")[2])
        self.state.check(token, "iam.serviceAccounts.actAs", account)
        self.builds.append(body)
        build = {**body, "id": f"b-{len(self.builds)}", "status": "QUEUED", "projectId": place[9:]}
        kind = "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
        return {
            "name": f"operations/{len(self.builds)}",
            "metadata": {"@type": kind, "build": build},
        }


def _inner(api: str, body: Any) -> Resource:
    """Return a resource from a request that wraps it."""
    stated: Resource = dict(body or {})
    if "serviceAccount" in stated:
        stated |= stated.pop("serviceAccount")
    return stated


def _operation(name: str) -> Resource:
    """Return a finished long-running operation, if the resource's API has them."""
    parts = name.split("/")
    place = "/".join(parts[:4])
    return {"name": f"{place}/operations/1", "done": True, "response": {"name": name}}
