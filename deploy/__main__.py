"""``python -m deploy VERB``: the build's steps, and what an operator runs once or in an emergency.

All settings are environment variables (see deploy.settings). --dry-run only prints the commands for
an empty project; for teardown it reads the real project.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.cloud.client import Cloud, DryRun, Failed, render
from deploy.cloud.gcloud import ReadOnlyShell, Shell
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

#: The file that passes the image's name from one step of the build to the next.
IMAGE_FILE = Path("image.txt")
#: The file that passes on the image's sagas in the same way.
DEFINITIONS_FILE = Path("definitions.json")


def name(_: Cloud, settings: Settings) -> None:
    """Write the image's name and its sagas to files; Unusable if the table cannot be deployed."""
    list_services(settings)
    IMAGE_FILE.write_text(name_image(settings, PROJECT))
    DEFINITIONS_FILE.write_text(describe_definitions())


def prepare(cloud: Cloud, settings: Settings) -> None:
    """Create or update the indexes, TTL policies and queues that this version uses."""
    apply_indexes(cloud, settings)
    apply_ttls(cloud, settings)
    apply_queues(cloud, settings)
    await_indexes(cloud, settings)


def stage(cloud: Cloud, settings: Settings) -> None:
    """Deploy new revisions without traffic; only the smoke test may call them."""
    if not IMAGE_FILE.exists():
        raise Unusable(f"no image: run name-image first, which writes {IMAGE_FILE}")
    image = IMAGE_FILE.read_text().strip()
    if "@sha256:" not in image:
        raise Unusable(f"{image} is a tag, which can move: {IMAGE_FILE} must contain a digest")
    known = DEFINITIONS_FILE.read_text() if DEFINITIONS_FILE.exists() else ""
    revisions.stage(cloud, settings, image, known)
    admit_helpers(cloud, settings)


def release(cloud: Cloud, settings: Settings) -> None:
    """Move the traffic, let the callers in, and schedule the sweep."""
    revisions.release(cloud, settings)
    apply_invokers(cloud, settings)
    apply_schedule(cloud, settings)
    for obsolete in revisions.find_obsolete(cloud, settings):
        delete = render("run", "services", "delete", obsolete, f"--region={settings.region}")
        print(f"{obsolete} is deployed, but no longer in the table; to delete it:\n{delete}")


def watch(cloud: Cloud, settings: Settings) -> None:
    """Create metrics and alerts, and exclude redundant request logs."""
    apply_alerts(cloud, settings)
    apply_exclusion(cloud, settings)


def smoke(cloud: Cloud, settings: Settings) -> None:
    """Run a saga through the staged revisions, unless SMOKE=0."""
    if settings.smoke == "0":
        print("SMOKE=0: skipped the smoke test of the staged revisions")
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
    """Return the real project, or for a dry run an empty or a read-only one."""
    if not options.dry_run:
        return Shell(settings.project)
    looks = options.verb == "teardown"
    return ReadOnlyShell(settings.project) if looks else DryRun(settings.project)


def main() -> int:
    """Run the verb; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    options = parser.parse_args()
    if options.dry_run and options.verb in ("smoke", "release", "promote", "rollback"):
        parser.error(f"{options.verb} has no dry run: it depends on what is deployed")
    try:
        settings = read_settings()
        VERBS[options.verb](_cloud_for(options, settings), settings)
    except (Unusable, Failed, SmokeFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
