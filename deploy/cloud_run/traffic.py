"""The important revisions of a service, and their shares of the traffic."""

from dataclasses import dataclass, field

from deploy.cloud_run.api import Resource, short
from deploy.table import BEFORE, NEXT


@dataclass(frozen=True, slots=True)
class Traffic:
    """The revisions of a service by purpose; it ignores revisions that were never ready.

    `shares` has the percentage of each serving revision, and `tags` the revision of each tag.
    """

    shares: dict[str, int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, service: Resource) -> "Traffic":
        """Return the traffic from a service's status; LATEST becomes the actual revision."""
        statuses = service.get("trafficStatuses", [])
        ready = short(service.get("latestReadyRevision", ""))
        shares: dict[str, int] = {}
        tags: dict[str, str] = {}
        for each in statuses if ready else []:
            revision = short(each.get("revision", "")) or ready
            if each.get("percent"):
                shares[revision] = shares.get(revision, 0) + each["percent"]
            if each.get("tag"):
                tags[each["tag"]] = revision
        return cls(shares, tags)

    @property
    def serving(self) -> str | None:
        """The revision that has all traffic; None if there is none."""
        return next((name for name, percent in self.shares.items() if percent == 100), None)

    @property
    def next(self) -> str | None:
        """The staged revision."""
        return self.tags.get(NEXT)

    @property
    def before(self) -> dict[str, str]:
        """The revisions that releases have marked for a rollback, by tag."""
        return {tag: name for tag, name in self.tags.items() if tag.startswith(BEFORE)}

    @property
    def baseline(self) -> str | None:
        """The serving revision; during a canary, the one that served before."""
        return self.serving or next(iter(self.before.values()), None)

    def staged(self, revision: str) -> "Traffic":
        """Return a copy with a new staged revision; it gets the traffic if no other has any."""
        return Traffic(self.shares or {revision: 100}, {**self.tags, NEXT: revision})

    def marked(self, mark: str) -> "Traffic":
        """Return a copy where `mark` is the only tag for a rollback, on the baseline."""
        kept = {tag: name for tag, name in self.tags.items() if not tag.startswith(BEFORE)}
        return Traffic(self.shares, {**kept, mark: str(self.baseline)})

    def moved(self, revision: str, percent: int = 100) -> "Traffic":
        """Return a copy with `percent` of the traffic on a revision, the rest on the baseline."""
        rest = self.baseline
        if percent == 100 or rest in (None, revision):
            return Traffic({revision: 100}, self.tags)
        return Traffic({str(rest): 100 - percent, revision: percent}, self.tags)

    def targets(self) -> list[Resource]:
        """Return the traffic in the format of Cloud Run's API, each revision by its name."""
        kind = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"}
        return [
            *({**kind, "revision": name, "percent": each} for name, each in self.shares.items()),
            *({**kind, "revision": name, "tag": tag} for tag, name in self.tags.items()),
        ]
