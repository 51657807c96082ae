"""``python -m deploy VERB``: the build's steps, and what an operator does once or in need.

Everything is told by environment variables (see deploy.settings); with --dry-run the commands are
only shown, as an empty project would need them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from deploy import rollout
from deploy.alerting import apply_alerts
from deploy.database import apply_indexes, apply_ttls
from deploy.gcloud import DryRun, Failed, Gcloud, Shell, render
from deploy.image import name_image
from deploy.invokers import apply_invokers
from deploy.queues import apply_queues
from deploy.services import list_services
from deploy.settings import PROJECT, Settings, Unusable, read_settings
from deploy.setup import set_up
from deploy.smoke import SmokeFailed, try_next_revision
from deploy.sweeping import apply_schedule

#: Where the build keeps the image's name from one of its steps to the next.
IMAGE_FILE = Path("image.txt")


def prepare(gcloud: Gcloud, settings: Settings) -> None:
    """Bring indexes, TTL policies and queues to what this version needs."""
    apply_indexes(gcloud, settings)
    apply_ttls(gcloud, settings)
    apply_queues(gcloud, settings)


def stage(gcloud: Gcloud, settings: Settings) -> None:
    """Put new revisions beside the old ones, and let nobody call them who should not."""
    if not IMAGE_FILE.exists():
        raise Unusable(f"which image? {IMAGE_FILE} says so; name-image writes it")
    rollout.stage(gcloud, settings, IMAGE_FILE.read_text().strip())
    apply_invokers(gcloud, settings, list_services(settings.mode))


def release(gcloud: Gcloud, settings: Settings) -> None:
    """Move the traffic, and have the sweep called."""
    rollout.release(gcloud, settings)
    apply_schedule(gcloud, settings)
    for name in rollout.find_leftovers(gcloud, settings):
        delete = render("run", "services", "delete", name, f"--region={settings.region}")
        print(f"{name} is deployed, but no longer in the table; to delete it:\n{delete}")


VERBS: dict[str, Callable[[Gcloud, Settings], object]] = {
    "name-image": lambda _, settings: IMAGE_FILE.write_text(name_image(settings, PROJECT)),
    "prepare": prepare,
    "stage": stage,
    "smoke": lambda gcloud, settings: print(try_next_revision(gcloud, settings)),
    "release": release,
    "rollback": rollout.roll_back,
    "setup": set_up,
    "alerts": apply_alerts,
}


def main() -> int:
    """Do what the verb says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run none")
    options = parser.parse_args()
    if options.dry_run and options.verb in ("smoke", "release", "rollback"):
        parser.error(f"{options.verb} depends on what is deployed: it cannot be shown beforehand")
    try:
        settings = read_settings()
        gcloud = DryRun(settings.project) if options.dry_run else Shell(settings.project)
        VERBS[options.verb](gcloud, settings)
    except (Unusable, Failed, SmokeFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
