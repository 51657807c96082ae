"""Cloud Run's services (v2): their behavior when written, and while they start."""

import copy
import re
from typing import Any

from tests.deploy.project import tables
from tests.deploy.project.state import Refused, Resource, State, missing

REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
MASKS = {"traffic", "labels", "template", "ingress", "invokerIamDisabled"}


class Run:
    """Services and their revisions; the next revision of those in `broken` does not start."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.broken: set[str] = set()
        #: Services whose traffic cannot be moved.
        self.stuck: set[str] = set()
        self._operations: dict[str, tuple[float, str, str]] = {}

    def list(self, parent: str, query: dict[str, str]) -> Resource:
        """Return a page of at most 20 services, so that clients must page."""
        found = [self.show(each["name"]) for each in self._state.below(parent, "services")]
        start = int(query.get("pageToken") or 0)
        page: Resource = {"services": found[start : start + 20]}
        return page | ({"nextPageToken": str(start + 20)} if found[start + 20 :] else {})

    def show(self, name: str) -> Resource:
        service_name, _, revision = name.partition("/revisions/")
        if revision:
            return self._show_revision(service_name, revision)
        service = copy.deepcopy(self._state.find(name))
        self._settle(service)
        shown: Resource = _spelled(service)
        return shown

    def _show_revision(self, service: str, revision: str) -> Resource:
        found = self._state.find(service)["revisions"].get(revision)
        if found is None:
            raise missing(f"{service}/revisions/{revision}")
        return {**found["template"], "name": f"{service}/revisions/{revision}"}

    def patch(self, name: str, body: Resource, query: dict[str, str], caller: str) -> Resource:
        self._count_write()
        present = self._state.resources.get(name)
        mask = set(filter(None, query.get("updateMask", "").split(",")))
        if present is None and query.get("allowMissing") != "true":
            raise missing(name)
        if mask - MASKS:
            raise _bad(f"unknown field in update mask: {min(mask - MASKS)}")
        if present is None:
            self._state.check(caller, "run.services.create", name)
            self._check_name(name)
        if present is not None:
            self._settle(present)
        stated = {field: body[field] for field in mask if field in body} if mask else body
        service = {**(present or {}), **stated} if mask else {**_kept(present), **stated}
        service["name"] = name
        revision = self._make_revision(service, present, caller)
        self._check_traffic(service, short(name) in self.stuck)
        self._state.put(name, service)
        return self._begin(name, revision)

    def operation(self, name: str) -> Resource:
        at, service, revision = self._operations[name]
        if self._state.now < at + tables.REVISION_STARTS:
            self._state.now += 1.0
            return {"name": name, "done": False}
        self._settle(self._state.find(service))
        failed = self._state.find(service)["revisions"].get(revision, {}).get("failed")
        if failed:
            return {"name": name, "done": True, "error": {"code": 9, "message": failed}}
        return {"name": name, "done": True, "response": self.show(service)}

    def _begin(self, name: str, revision: str) -> Resource:
        operation = f"projects/{self._state.project}/locations/r/operations/{len(self._operations)}"
        self._operations[operation] = (self._state.now, name, revision)
        return {"name": operation, "done": False}

    def _count_write(self) -> None:
        recent = [at for at in self._state.writes if at > self._state.now - 60]
        if len(recent) >= tables.RUN_WRITES:
            raise Refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write'")
        self._state.writes[:] = [*recent, self._state.now]

    def _check_name(self, name: str) -> None:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?", short(name)):
            raise _bad(f"a service's name has at most {tables.MAX_SERVICE} characters")

    def _make_revision(self, service: Resource, present: Resource | None, caller: str) -> str:
        """Make a revision of a changed template; return its short name."""
        template = service.get("template") or {}
        if present and _spelled(template) == _spelled(present.get("template") or {}):
            return str(present["created"])
        self._check_template(service, template, caller)
        name = short(service["name"])
        count = service["generation"] = service.get("generation", 0) + 1
        revision = template.get("revision") or f"{name}-{count:05d}-abc"
        revisions = service.setdefault("revisions", {})
        if not revision.startswith(f"{name}-") or len(revision) > tables.MAX_REVISION:
            raise _bad(f"revision {revision}: the name of its service first, 63 characters at most")
        if revision in revisions:
            raise Refused(
                409, "ALREADY_EXISTS",
                f"Revision named '{revision}' with different configuration already exists.",
            )  # fmt: skip
        revisions[revision] = {
            "at": self._state.now,
            "failed": self._failure_of(name, template),
            "template": copy.deepcopy(template),
        }
        service["created"] = revision
        return str(revision)

    def _failure_of(self, name: str, template: Resource) -> str:
        if name in self.broken:
            return f"The user-provided container of {name} failed to start and listen on the port."
        account = f"serviceAccount:{template['serviceAccount']}"
        for variable in template["containers"][0].get("env", []):
            reference = variable.get("valueSource", {}).get("secretKeyRef")
            secret = f"projects/{self._state.project}/secrets/{(reference or {}).get('secret')}"
            if reference and not self._state.allows(
                account, "secretmanager.versions.access", secret
            ):
                return f"Permission denied on secret: {secret} for Revision service account"
        return ""

    def _check_template(self, service: Resource, template: Resource, caller: str) -> None:
        account = template.get("serviceAccount", "")
        self._state.check(caller, "iam.serviceAccounts.actAs", self._state.account(account))
        container = template["containers"][0]
        if "@sha256:" not in container["image"] and ":" not in container["image"]:
            raise _bad(f"no such image: {container['image']}")
        names = [variable["name"] for variable in container.get("env", [])]
        if len(set(names)) < len(names) or {"PORT", "K_SERVICE"} & set(names):
            raise _bad("a variable is stated twice, or is Cloud Run's own")
        if not 0 < float(template["timeout"].rstrip("s")) <= 3600:
            raise _bad("timeout: more than 0 and at most 3600 seconds")
        for name, value in service.get("labels", {}).items():
            if not (tables.LABEL.fullmatch(name) and tables.LABEL.fullmatch(value)):
                raise _bad(f"label {name}={value}")

    def _check_traffic(self, service: Resource, stuck: bool) -> None:
        targets = service.setdefault("traffic", [{"type": "LATEST", "percent": 100}])
        name = short(service["name"])
        moved = [each for each in targets if each.get("percent")]
        if stuck and moved != [each for each in service.get("served", []) if each.get("percent")]:
            raise Refused(500, "INTERNAL", f"{name} does not move")
        if sum(each.get("percent", 0) for each in targets) != 100:
            raise _bad("the percents of the traffic do not come to 100")
        tags = [each["tag"] for each in targets if "tag" in each]
        if len(set(tags)) < len(tags):
            raise _bad("a tag is there twice")
        for each in targets:
            if each["type"] == REVISION and each.get("revision") not in service["revisions"]:
                raise _bad(f"traffic goes to a revision that there is not: {each.get('revision')}")
            if len(each.get("tag", "")) + len(name) > tables.MAX_TAGGED:
                raise _bad(f"tag {each['tag']} and service {name} have more than 46 characters")

    def _settle(self, service: Resource) -> None:
        """Apply the effects of time: a revision becomes ready, and then traffic moves."""
        newest = service.get("created", "")
        revision = service.get("revisions", {}).get(newest)
        if revision is None or self._state.now < revision["at"] + tables.REVISION_STARTS:
            return
        if not revision["failed"]:
            service["ready"] = newest
            service["served"] = copy.deepcopy(service["traffic"])
        elif service.get("ready"):
            ready = {n for n, each in service["revisions"].items() if not each["failed"]}
            if all(each.get("revision") in ready for each in service["traffic"]):
                service["served"] = copy.deepcopy(service["traffic"])


def short(name: str) -> str:
    return name.rpartition("/")[2]


def _bad(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)


def _kept(present: Resource | None) -> Resource:
    """Return the output-only fields, which a write without a mask does not replace."""
    own = ("revisions", "created", "ready", "served", "generation")
    return {field: present[field] for field in own if field in present} if present else {}


def _spelled(value: Any) -> Any:
    """Return a resource in the API's spelling, without empty and false values."""
    if isinstance(value, dict):
        shown = {name: _spelled(each) for name, each in value.items() if name not in _INTERNAL}
        shown |= _status_of(value) if "revisions" in value else {}
        shown |= {"cpu": "1000m"} if value.get("cpu") == "1" else {}
        return {name: each for name, each in shown.items() if each not in ("", False, None, [], {})}
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    return value


_INTERNAL = {"revisions", "created", "ready", "served"}


def _status_of(service: Resource) -> Resource:
    prefix = f"{service['name']}/revisions/"
    latest = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "revision": service.get("ready", "")}
    return {
        "latestCreatedRevision": prefix + service["created"] if service.get("created") else "",
        "latestReadyRevision": prefix + service["ready"] if service.get("ready") else "",
        "trafficStatuses": [
            _spelled(each if each["type"] == REVISION else {**each, **latest})
            for each in service.get("served", [])
        ],
        "uri": f"https://{short(service['name'])}-hash-ew.a.run.app",
    }
