"""A stand-in for gcloud: each command that we run, as the requests that it makes.

`make play` runs the same commands by the real gcloud and compares the requests.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.project.project import Project
from tests.deploy.project.state import Refused

#: Commands on collections: the API, its version, the path (a brace is a flag, or the name), and
#: what the answer to a list is under.
PATHS: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("firestore", "databases"): ("firestore", "v1/projects/{project}/databases", "databases"),
    ("firestore", "backups"): (
        "firestore", "v1/projects/{project}/databases/{database}/backupSchedules",
        "backupSchedules",
    ),
    ("firestore", "locations"): ("firestore", "v1/projects/{project}/locations", "locations"),
    ("tasks", "locations"): ("cloudtasks", "v2/projects/{project}/locations", "locations"),
    ("scheduler", "locations"): ("cloudscheduler", "v1/projects/{project}/locations", "locations"),
    ("artifacts", "repositories"): (
        "artifactregistry", "v1/projects/{project}/locations/{location}/repositories",
        "repositories",
    ),
    ("storage", "buckets"): ("storage", "b", "items"),
    ("iam", "service-accounts"): ("iam", "v1/projects/{project}/serviceAccounts", "accounts"),
    ("tasks", "queues"): (
        "cloudtasks", "v2/projects/{project}/locations/{location}/queues", "queues",
    ),
    ("scheduler", "jobs"): (
        "cloudscheduler", "v1/projects/{project}/locations/{location}/jobs", "jobs",
    ),
    ("firestore", "fields"): (
        "firestore", "v1/projects/{project}/databases/{database}/collectionGroups/{group}/fields",
        "fields",
    ),
    ("firestore", "indexes"): (
        "firestore", "v1/projects/{project}/databases/{database}/collectionGroups/-/indexes",
        "indexes",
    ),
    ("secrets",): ("secretmanager", "v1/projects/{project}/secrets", "secrets"),
    ("projects",): ("cloudresourcemanager", "v1/projects", "projects"),
}  # fmt: skip

BINDING, UNBINDING = "add-iam-policy-binding", "remove-iam-policy-binding"
NOT_NAMES = {"ttls", "composite", "http", "schedules"}


class Words:
    """Runs gcloud's commands for a member, on a project in memory."""

    def __init__(self, project: Project, member: str) -> None:
        self._project, self.member = project, member

    def __call__(self, words: Sequence[str]) -> tuple[int, str, str]:
        """Run a command; return the exit code, its output and its error output."""
        flags = dict(w[2:].split("=", 1) for w in words if w.startswith("--") and "=" in w)
        plain = [w for w in words if not w.startswith("--")]
        try:
            return 0, json.dumps(self._run(plain, flags)), ""
        except Refused as refused:
            return 1, "", f"ERROR: (gcloud) {refused.word}: {refused.message}"

    def _run(self, plain: list[str], flags: dict[str, str]) -> Any:
        if plain[:2] == ["auth", "print-access-token"]:
            raise AssertionError("a token is not JSON: see __call__ of Cloud")
        if plain[:2] == ["services", "enable"]:
            url = f"v1/projects/{flags['project']}/services:batchEnable"
            return self._say("POST", "serviceusage", url, {"serviceIds": plain[2:]})
        if plain[:3] == ["datastore", "indexes", "create"]:
            return self._create_indexes(plain[3], flags)
        group = next(key for key in PATHS if tuple(plain[: len(key)]) == key)
        rest = [word for word in plain[len(group) :] if word not in NOT_NAMES]
        # Some commands name their resource by a flag.
        named = [flags[flag] for flag in ("backup-schedule", "database") if flag in flags]
        verb, names = rest[0], [*rest[1:], *named]
        api, path, plural = PATHS[group]
        database = flags.get("database", "")
        path = path.format(
            project=flags["project"], location=flags.get("location"), database=database,
            group=flags.get("collection-group", "-"),
        )  # fmt: skip
        if verb == "list":
            found = self._say("GET", api, path).get(plural, [])
            return [_printed(each) for each in found] or None
        if verb in (BINDING, UNBINDING, "get-iam-policy"):
            return self._policy(api, f"{path}/{names[0].removeprefix('gs://')}", verb, flags)
        if verb == "delete":
            if plural == "accounts":  # gcloud identifies an account by its address
                path = path.replace(f"projects/{flags['project']}", "projects/-")
            return self._say("DELETE", api, f"{path}/{names[0]}")
        body = _body_of(group, names, flags)
        if verb == "create":
            query = {"databases": f"?databaseId={database}",
                     "repositories": f"?repositoryId={names[0] if names else ''}"}  # fmt: skip
            return self._say("POST", api, path + query.get(plural, ""), body)
        if api == "storage":
            return self._say("PATCH", api, f"{path}/{body['name']}", body)
        return self._say("PATCH", api, f"{path}/{names[0]}?updateMask={','.join(body)}", body)

    def _policy(self, api: str, path: str, verb: str, flags: dict[str, str]) -> Any:
        storage = api == "storage"
        policy = self._say(
            *(("GET", api, f"{path}/iam") if storage else ("POST", api, f"{path}:getIamPolicy"))
        )
        if verb == "get-iam-policy":
            return policy
        if verb == UNBINDING:
            left = _without(policy.get("bindings", []), flags["role"], flags["member"])
            changed = {**policy, "version": 3, "bindings": left}
            if storage:
                return self._say("PUT", api, f"{path}/iam", changed)
            return self._say("POST", api, f"{path}:setIamPolicy", {"policy": changed})
        condition = flags.get("condition", "None")
        binding: dict[str, Any] = {"role": flags["role"], "members": [flags["member"]]}
        if condition != "None":
            stated = re.fullmatch(r"expression=(.+),title=([^,]+)", condition)
            assert stated, condition
            binding["condition"] = {"expression": stated[1], "title": stated[2]}
        bindings = [*policy.get("bindings", []), binding]
        changed = {**policy, "version": 3, "bindings": bindings}
        if storage:
            return self._say("PUT", api, f"{path}/iam", changed)
        return self._say("POST", api, f"{path}:setIamPolicy", {"policy": changed})

    def _create_indexes(self, file: str, flags: dict[str, str]) -> None:
        """Create the indexes of the file that the database lacks, each in its kind's collection."""
        place = f"v1/projects/{flags['project']}/databases/{flags['database']}/collectionGroups"
        found = self._say("GET", "firestore", f"{place}/-/indexes").get("indexes", [])
        present = [(each["name"].split("/")[5], _shape_of(each)) for each in found]
        for kind, body in _read_indexes(file):
            if (kind, _shape_of(body)) not in present:
                self._say("POST", "firestore", f"{place}/{kind}/indexes", body)

    def _say(self, method: str, api: str, path: str, body: Any = None) -> Any:
        url = f"https://{api}.googleapis.com/{path}"
        status, answer = self._project.handle(method, url, self.member, body)
        if status >= 300:
            error = answer["error"]
            raise Refused(status, error["status"], error["message"])
        return answer


def _without(bindings: list[dict[str, Any]], role: str, member: str) -> list[dict[str, Any]]:
    """Return bindings without a member's binding to a role, whatever its condition."""
    left = [
        {**each, "members": [m for m in each["members"] if m != member]}
        if each["role"] == role
        else each
        for each in bindings
    ]
    return [each for each in left if each["members"]]


def _printed(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource as gcloud prints it; buckets have other field names."""
    rules = resource.get("lifecycle")
    return {**resource, "lifecycle_config": rules} if rules else resource


@cache
def _read_indexes(file: str) -> list[tuple[str, dict[str, Any]]]:
    indexes = yaml.safe_load(Path(file).read_text())["indexes"]
    return [(index["kind"], _index_of(index)) for index in indexes]


def _index_of(index: dict[str, Any]) -> dict[str, Any]:
    """Return an index of index.yaml in the API's form."""
    fields = [
        {
            "fieldPath": each["name"],
            "order": "DESCENDING" if each.get("direction") == "desc" else "ASCENDING",
        }
        for each in index["properties"]
    ]
    scope = "COLLECTION_RECURSIVE" if index.get("ancestor") else "COLLECTION_GROUP"
    return {"queryScope": scope, "apiScope": "DATASTORE_MODE_API", "fields": fields}


def _shape_of(index: dict[str, Any]) -> tuple[Any, ...]:
    """Return the identity of an index among those of its kind, without what the API adds."""
    fields = [(each["fieldPath"], each["order"]) for each in index["fields"]]
    return index["queryScope"], [each for each in fields if each[0] != "__name__"]


def _body_of(group: tuple[str, ...], names: list[str], flags: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a resource that a command sets, as far as the project checks them."""
    if group == ("firestore", "databases"):
        stated = {"pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
                  "deleteProtectionState": "DELETE_PROTECTION_ENABLED"}  # fmt: skip
        if "type" not in flags:
            return stated
        kind = flags["type"].upper().replace("-", "_")
        return {"locationId": flags["location"], "type": kind, **stated}
    if group == ("firestore", "backups"):
        kept = {"retention": f"{int(flags['retention'].rstrip('d')) * 86400}s"}
        return kept | ({"dailyRecurrence": {}} if "recurrence" in flags else {})
    if group == ("iam", "service-accounts"):
        return {"accountId": names[0], "serviceAccount": {"displayName": flags["display-name"]}}
    if group == ("storage", "buckets"):
        rules = json.loads(Path(flags["lifecycle-file"]).read_text())
        return {"name": names[0].removeprefix("gs://"), **rules}
    if group == ("artifacts", "repositories") and "policy" in flags:
        stated_rules = json.loads(Path(flags["policy"]).read_text())
        return {"cleanupPolicies": {each["name"]: each for each in stated_rules}}
    if group == ("scheduler", "jobs"):
        token = {"serviceAccountEmail": flags["oidc-service-account-email"]}
        target = {"uri": flags["uri"], "oidcToken": token}
        return {"name": names[0], "schedule": flags["schedule"], "httpTarget": target}
    if group == ("firestore", "fields"):
        return {"ttlConfig": {}}
    rates = {name: value for name, value in flags.items() if name not in ("location", "project")}
    return {"name": names[0], "settings": rates}
