"""What Datastore has to know of the data: composite indexes, and which kinds expire."""

from deploy.gcloud import Gcloud
from deploy.settings import PROJECT, Settings

#: The kinds that a TTL policy deletes, and the property that says from when on. A saga's root is
#: not among them: the sweep deletes it, together with its effects (lib/saga/retention.py).
EXPIRING = {
    "CommitReceipt": "expires_at",
    "SagaEvent": "expires_at",
    "SagaStep": "expires_at",
}


def apply_indexes(gcloud: Gcloud, settings: Settings) -> None:
    """Have every index of index.yaml built that is not there; none is dropped."""
    gcloud.change(
        "datastore", "indexes", "create", str(PROJECT / "index.yaml"),
        f"--database={settings.database}",
    )  # fmt: skip


def apply_ttls(gcloud: Gcloud, settings: Settings) -> None:
    """Give every expiring kind its TTL policy; it is at work some minutes later."""
    database = f"--database={settings.database}"
    for kind, expires in EXPIRING.items():
        group = f"--collection-group={kind}"
        listed = gcloud.read("firestore", "fields", "ttls", "list", group, database) or []
        if not any(field["name"].rpartition("/")[2] == expires for field in listed):
            gcloud.change(
                "firestore", "fields", "ttls", "update", expires, group, database,
                "--enable-ttl", "--async",
            )  # fmt: skip
