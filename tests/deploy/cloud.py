"""As much of Google Cloud as a deployment asks for, in memory, answering as gcloud prints it."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from deploy.gcloud import Failed, render
from deploy.settings import PROJECT, Settings

SETTINGS = Settings(
    project="shop-1",
    project_number="123456789012",
    callers="user:ann@example.com,group:ops@example.com",
)


class Cloud:
    """One project. `said` is every command, `changes` those that were to change something."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.changes: list[str] = []
        self.services: dict[str, dict[str, Any]] = {}
        self.invokers: dict[str, set[str]] = {}
        self.present: dict[str, set[str]] = {}
        #: Services whose next revision does not come up.
        self.broken: set[str] = set()
        #: Services whose traffic cannot be moved.
        self.stuck: set[str] = set()

    # What a deployment sees of gcloud

    def read(self, *words: str) -> Any:
        self.said.append(render(*words, "--format=json"))
        if words[:3] == ("run", "services", "list"):
            return list(self.services.values())
        if words[:3] == ("run", "services", "get-iam-policy"):
            members = sorted(self.invokers.get(words[3], ()))
            other = {"role": "roles/run.viewer", "members": ["user:eve@example.com"]}
            return {"bindings": [{"role": "roles/run.invoker", "members": members}, other]}
        kind = _kind_of(words)
        key = "email" if kind == "service-accounts" else "name"
        return [
            {key: name, "displayName": name} for name in sorted(self.present.get(kind, ()))
        ] or None

    def text(self, *words: str) -> str:
        self.said.append(render(*words, f"--project={SETTINGS.project}"))
        return "a-token"

    def change(self, *words: str) -> None:
        self.said.append(render(*words, f"--project={SETTINGS.project}"))
        self.changes.append(render(*words, f"--project={SETTINGS.project}"))
        flags = dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
        if words[:2] == ("run", "deploy"):
            self._deploy(words[2], flags, held="--no-traffic" in words)
        elif words[:3] == ("run", "services", "update-traffic"):
            self._move(words[3], flags)
        elif words[2:3] and words[2].endswith("-iam-policy-binding") and words[0] == "run":
            self._bind(words[2], words[3], flags["--member"])
        else:
            self._keep(words, flags)

    def each(self, action: Callable[[Any], object], items: Iterable[Any]) -> None:
        for item in items:
            action(item)

    # What a test asks

    def serving(self, name: str) -> str:
        targets = self.services[name]["status"]["traffic"]
        return next(str(each["revisionName"]) for each in targets if each.get("percent") == 100)

    def take_changes(self) -> list[str]:
        changes, self.changes = self.changes, []
        return changes

    # How it behaves

    def _deploy(self, name: str, flags: dict[str, str], *, held: bool) -> None:
        if held and name not in self.services:
            raise Failed("--no-traffic not supported when creating a new service.")
        service = self.services.setdefault(
            name, {"metadata": {"name": name}, "status": {"traffic": []}, "count": 0}
        )
        service["count"] += 1
        revision = f"{name}-{service['count']:05d}"
        status = service["status"]
        status["latestCreatedRevisionName"] = revision
        service["metadata"]["labels"] = dict([flags["--labels"].split("=")])
        self._tag(service, flags["--tag"], revision)
        if name in self.broken:
            raise Failed(f"{revision} did not start")
        status["latestReadyRevisionName"] = revision
        if not held:
            self._serve(service, revision)

    def _move(self, name: str, flags: dict[str, str]) -> None:
        service = self.services[name]
        if name in self.stuck and "--to-tags" in flags:
            raise Failed(f"{name} does not move")
        for tag in filter(None, flags.get("--remove-tags", "").split(",")):
            service["status"]["traffic"] = [
                each for each in service["status"]["traffic"] if each.get("tag") != tag
            ]
        if "--update-tags" in flags:
            tag, revision = flags["--update-tags"].split("=")
            self._tag(service, tag, revision)
        if "--to-tags" in flags:
            tag, percent = flags["--to-tags"].split("=")
            assert percent == "100"
            targets = service["status"]["traffic"]
            self._serve(service, next(e["revisionName"] for e in targets if e.get("tag") == tag))

    def _tag(self, service: dict[str, Any], tag: str, revision: str) -> None:
        kept = [each for each in service["status"]["traffic"] if each.get("tag") != tag]
        service["status"]["traffic"] = [*kept, {"tag": tag, "revisionName": revision}]

    def _serve(self, service: dict[str, Any], revision: str) -> None:
        kept = [each for each in service["status"]["traffic"] if "percent" not in each]
        target = {"percent": 100, "revisionName": revision}
        service["status"]["traffic"] = [target, *kept]

    def _bind(self, verb: str, name: str, member: str) -> None:
        members = self.invokers.setdefault(name, set())
        if verb.startswith("add"):
            members.add(member)
        else:
            members.remove(member)

    def _keep(self, words: tuple[str, ...], flags: dict[str, str]) -> None:
        if "create" not in words and "--enable-ttl" not in words:
            return
        kind = _kind_of(words)
        names = [w for w in words if not w.startswith("--") and w not in VERBS and w != kind]
        name = flags.get("--database") or names[-1]
        if kind == "policies":
            file = PROJECT / flags["--policy-from-file"]
            name = str(json.loads(file.read_text())["displayName"])
        if kind == "service-accounts":
            name = f"{name}@{SETTINGS.project}.iam.gserviceaccount.com"
        self.present.setdefault(kind, set()).add(name)


VERBS = {"create", "update", "list", "http", "gcloud"}
KINDS = ("queues", "jobs", "ttls", "databases", "repositories", "buckets", "service-accounts",
         "metrics", "policies", "indexes")  # fmt: skip


def _kind_of(words: tuple[str, ...]) -> str:
    return next(kind for kind in KINDS if kind in words)
