"""What Datastore must know about the data: composite indexes, and which kinds expire."""

from typing import Any

from deploy.cloud.client import Cloud, Failed
from deploy.cloud.retry import wait_until
from deploy.settings import PROJECT, Settings

#: The kinds that a TTL policy deletes, and the property that says from when on. A saga is not
#: among them: the sweep deletes it, together with its effects (lib/saga/engine/retention.py).
EXPIRING = {
    "CommitReceipt": "expires_at",
}

#: Building an index over many entities takes time; the build has an hour in total (seconds).
INDEXED_WITHIN = 1800.0


def apply_indexes(cloud: Cloud, settings: Settings) -> None:
    """Create every missing index of index.yaml; none is dropped."""
    cloud.change(
        "datastore", "indexes", "create", str(PROJECT / "index.yaml"),
        f"--database={settings.database}",
    )  # fmt: skip


def await_indexes(cloud: Cloud, settings: Settings) -> None:
    """Return when every index is ready: a query without its index fails.

    Raises Failed if one cannot be built, or after half an hour; then the build can run again.
    """

    def ready() -> bool:
        listed = cloud.read(
            "firestore", "indexes", "composite", "list", f"--database={settings.database}"
        )
        broken = [each for each in listed or [] if each.get("state") == "NEEDS_REPAIR"]
        if broken:
            raise Failed(f"an index cannot be built: {_describe(broken[0])}")
        return all(each.get("state", "READY") == "READY" for each in listed or [])

    wait_until(cloud, ready, "every index is ready", patience=INDEXED_WITHIN)


def apply_ttls(cloud: Cloud, settings: Settings) -> None:
    """Give every expiring kind its TTL policy; it works some minutes later."""
    database = f"--database={settings.database}"
    listed = cloud.read("firestore", "fields", "ttls", "list", database) or []
    present = {tuple(field["name"].split("/")[-3:]) for field in listed}
    for kind, expires in EXPIRING.items():
        if (kind, "fields", expires) not in present:
            cloud.change(
                "firestore", "fields", "ttls", "update", expires, f"--collection-group={kind}",
                database, "--enable-ttl", "--async",
            )  # fmt: skip


def _describe(index: Any) -> str:
    fields = ", ".join(str(field.get("fieldPath")) for field in index.get("fields", []))
    return f"{index.get('name', '')} ({fields})"
