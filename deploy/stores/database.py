"""What Datastore must know about the data: composite indexes and TTL policies."""

from datetime import timedelta
from typing import Any

from deploy.cloud.client import Cloud, Failed
from deploy.cloud.retry import wait_until
from deploy.settings import PROJECT, Settings

#: The kinds with a TTL policy, and the property with the expiration time. Sagas have none: the
#: sweep deletes a saga together with its effects (lib/saga/engine/retention.py).
EXPIRING = {
    "CommitReceipt": "expires_at",
}

#: How long to wait for indexes. Large ones take time, and the build has 90 minutes in all.
INDEXED_WITHIN = timedelta(minutes=30)


def apply_indexes(cloud: Cloud, settings: Settings) -> None:
    """Create every missing index of index.yaml; delete none."""
    cloud.change(
        "datastore", "indexes", "create", str(PROJECT / "index.yaml"),
        f"--database={settings.database}",
    )  # fmt: skip


def await_indexes(cloud: Cloud, settings: Settings) -> None:
    """Return when every index is ready, because a query without its index fails.

    Raises Failed if an index cannot be built or takes more than half an hour; the build can then
    run again.
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
    """Give every expiring kind its TTL policy, which takes effect some minutes later."""
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
