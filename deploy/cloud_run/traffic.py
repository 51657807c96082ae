"""Which revisions of a service there are that matter, and who of them gets the traffic."""

from dataclasses import dataclass, field

from deploy.cloud_run.api import Resource, short
from deploy.table import BEFORE, NEXT


@dataclass(frozen=True, slots=True)
class Traffic:
    """The revisions of a service by what they are for; a revision that was never ready is none.

    `shares` has the percents of those that serve, and `tags` a revision for each tag.
    """

    shares: dict[str, int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, service: Resource) -> "Traffic":
        """Return what a service's status says: LATEST is the revision that it stands for."""
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
        """The revision that has all of the traffic."""
        return next((name for name, percent in self.shares.items() if percent == 100), None)

    @property
    def next(self) -> str | None:
        """The revision that is staged."""
        return self.tags.get(NEXT)

    @property
    def before(self) -> dict[str, str]:
        """What a release has marked to go back to, by its mark."""
        return {tag: name for tag, name in self.tags.items() if tag.startswith(BEFORE)}

    @property
    def baseline(self) -> str | None:
        """What serves, or during a canary what served before it."""
        return self.serving or next(iter(self.before.values()), None)

    def staged(self, revision: str) -> "Traffic":
        """Return this with a new revision beside; it serves where nothing else could."""
        return Traffic(self.shares or {revision: 100}, {**self.tags, NEXT: revision})

    def marked(self, mark: str) -> "Traffic":
        """Return this with the one mark, on what serves, or served before a canary."""
        kept = {tag: name for tag, name in self.tags.items() if not tag.startswith(BEFORE)}
        return Traffic(self.shares, {**kept, mark: str(self.baseline)})

    def moved(self, revision: str, percent: int = 100) -> "Traffic":
        """Return this with so much of the traffic on a revision, and the rest where it was."""
        rest = self.baseline
        if percent == 100 or rest in (None, revision):
            return Traffic({revision: 100}, self.tags)
        return Traffic({str(rest): 100 - percent, revision: percent}, self.tags)

    def targets(self) -> list[Resource]:
        """Return this as Cloud Run's API takes it, each revision by its name."""
        kind = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"}
        return [
            *({**kind, "revision": name, "percent": each} for name, each in self.shares.items()),
            *({**kind, "revision": name, "tag": tag} for tag, name in self.tags.items()),
        ]
