"""The Cloud Tasks queues: what queues.yaml states, as gcloud takes it."""

import re
from typing import Any

from deploy.gcloud import Gcloud
from deploy.settings import PROJECT, Settings
from local.queues import read_queue_settings

QUEUES = PROJECT / "queues.yaml"


def queue_names(settings: Settings) -> list[str]:
    """Return the ids of the queues over which sagas are spread."""
    return list(read_queue_settings(QUEUES, int(settings.queue_count)))


def apply_queues(gcloud: Gcloud, settings: Settings) -> None:
    """Create the queues that are not there, and bring the others to what the file states."""
    location = f"--location={settings.region}"
    listed = gcloud.read("tasks", "queues", "list", location) or []
    present = {queue["name"].rpartition("/")[2] for queue in listed}
    for name, stated in read_queue_settings(QUEUES, int(settings.queue_count)).items():
        verb = "update" if name in present else "create"
        gcloud.change("tasks", "queues", verb, name, location, *_flags_of(stated))


def _flags_of(stated: dict[str, Any]) -> list[str]:
    """Return a queue's settings as flags: `maxAttempts` is `--max-attempts`."""
    return [
        "--" + re.sub("([A-Z])", r"-\1", name).lower() + f"={value}"
        for part in ("rateLimits", "retryConfig")
        for name, value in stated.get(part, {}).items()
    ]
