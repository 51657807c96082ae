"""``python -m deploy VERB``: the build's steps, and what an operator does once or in need.

Everything is told by environment variables (see deploy.settings); with --dry-run the commands are
only shown, as an empty project would need them, and those of teardown as the project is.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.cloud.client import Cloud, DryRun, Failed, render
from deploy.cloud.gcloud import Onlooker, Shell
from deploy.cloud_run.invokers import admit_helpers, apply_invokers
from deploy.cloud_run.services import list_services
from deploy.observability.alerts import apply_alerts
from deploy.observability.log_exclusion import apply_exclusion
from deploy.project.setup import set_up
from deploy.project.teardown import tear_down
from deploy.rollout import revisions
from deploy.rollout.canary import describe_definitions
from deploy.rollout.image import name_image
from deploy.rollout.smoke import SmokeFailed, try_next_revision
from deploy.rollout.sweep_job import apply_schedule
from deploy.settings import PROJECT, Settings, Unusable, read_settings
from deploy.stores.database import apply_indexes, apply_ttls, await_indexes
from deploy.stores.queues import apply_queues

#: Where the build keeps the image's name from one of its steps to the next.
IMAGE_FILE = Path("image.txt")
#: And likewise the sagas that it knows.
DEFINITIONS_FILE = Path("definitions.json")


def name(_: Cloud, settings: Settings) -> None:
    """Write down which image this is, and which sagas it knows; refuse what cannot be deployed."""
    list_services(settings)
    IMAGE_FILE.write_text(name_image(settings, PROJECT))
    DEFINITIONS_FILE.write_text(describe_definitions())


def prepare(cloud: Cloud, settings: Settings) -> None:
    """Bring indexes, TTL policies and queues to what this version needs."""
    apply_indexes(cloud, settings)
    apply_ttls(cloud, settings)
    apply_queues(cloud, settings)
    await_indexes(cloud, settings)


def stage(cloud: Cloud, settings: Settings) -> None:
    """Put new revisions beside the old ones, and let only those call them who try them."""
    if not IMAGE_FILE.exists():
        raise Unusable(f"which image? {IMAGE_FILE} says so; name-image writes it")
    image = IMAGE_FILE.read_text().strip()
    if "@sha256:" not in image:
        raise Unusable(f"{image} is a tag, which can be moved: {IMAGE_FILE} has to have a digest")
    known = DEFINITIONS_FILE.read_text() if DEFINITIONS_FILE.exists() else ""
    revisions.stage(cloud, settings, image, known)
    admit_helpers(cloud, settings)


def release(cloud: Cloud, settings: Settings) -> None:
    """Move the traffic, let the callers in, and have the sweep called."""
    revisions.release(cloud, settings)
    apply_invokers(cloud, settings)
    apply_schedule(cloud, settings)
    for leftover in revisions.find_leftovers(cloud, settings):
        delete = render("run", "services", "delete", leftover, f"--region={settings.region}")
        print(f"{leftover} is deployed, but no longer in the table; to delete it:\n{delete}")


def watch(cloud: Cloud, settings: Settings) -> None:
    """Make metrics and alerts, and leave out of the logs what nobody looks for."""
    apply_alerts(cloud, settings)
    apply_exclusion(cloud, settings)


def smoke(cloud: Cloud, settings: Settings) -> None:
    """Run a saga through what is staged, unless somebody has said not to."""
    if settings.smoke == "0":
        print("SMOKE=0: nothing was run through the staged revisions")
    else:
        print(try_next_revision(cloud, settings))


VERBS: dict[str, Callable[[Cloud, Settings], object]] = {
    "name-image": name,
    "prepare": prepare,
    "stage": stage,
    "smoke": smoke,
    "release": release,
    "promote": revisions.promote,
    "rollback": revisions.roll_back,
    "setup": set_up,
    "alerts": watch,
    "teardown": tear_down,
}


def _cloud_for(options: argparse.Namespace, settings: Settings) -> Cloud:
    """Return the project itself, or for a dry run one that is empty or is only looked at."""
    if not options.dry_run:
        return Shell(settings.project)
    looks = options.verb == "teardown"
    return Onlooker(settings.project) if looks else DryRun(settings.project)


def main() -> int:
    """Do what the verb says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run none")
    options = parser.parse_args()
    if options.dry_run and options.verb in ("smoke", "release", "promote", "rollback"):
        parser.error(f"{options.verb} depends on what is deployed: it cannot be shown beforehand")
    try:
        settings = read_settings()
        VERBS[options.verb](_cloud_for(options, settings), settings)
    except (Unusable, Failed, SmokeFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
