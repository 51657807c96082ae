"""``make play``: the whole life of a deployment, by the real gcloud, on a strict fake project.

Set-up, alerts, and in each mode: a first build that breaks off in each of its steps and is taken
up, a build that changes nothing, a release that breaks off, a rollback, an unknown caller and a
forged call, a canary that goes back and one that goes on, and the end of it all. Printed is what
was said, and what was answered.
"""

import copy
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from deploy.__main__ import prepare, release, watch
from deploy.cloud.client import Failed
from deploy.cloud_run.invokers import admit_helpers
from deploy.project.setup import set_up
from deploy.project.teardown import tear_down
from deploy.rollout import revisions
from deploy.rollout.canary import describe_definitions
from deploy.rollout.smoke import SmokeFailed, try_next_revision
from deploy.settings import Settings
from tests.deploy.cloud import BUILD, IMAGE, SETTINGS
from tests.deploy.play.callers import play_callers
from tests.deploy.play.stage import Theatre
from tests.deploy.play.submission import play_submission
from tests.deploy.project import tables
from tests.deploy.project.project import Project
from tests.deploy.project.server import environment, serve
from tests.deploy.project.state import Refused

STATED = replace(
    SETTINGS,
    channels="projects/shop-1/notificationChannels/1",
    submitters="user:dev@example.com",
)


def say(what: str) -> None:
    """Print a heading."""
    print(f"\n== {what}", flush=True)


def steps_of(cloud: Theatre, settings: Settings, image: str) -> dict[str, Callable[[], object]]:
    """Return the build's steps that use Google Cloud, in order."""

    def stage() -> None:
        revisions.stage(cloud, settings, image, describe_definitions())
        admit_helpers(cloud, settings)

    def smoke() -> None:
        print(f"  {try_next_revision(cloud, settings, cloud.project.fetch)}")

    return {
        "prepare": lambda: prepare(cloud, settings),
        "stage": stage,
        "smoke": smoke,
        "release": lambda: release(cloud, settings),
    }


def build(cloud: Theatre, settings: Settings, image: str, broken: str = "") -> None:
    """Run the steps; `broken` is the one that fails."""
    for name, step in steps_of(cloud, settings, image).items():
        print(f"- {name}", flush=True)
        if name != broken:
            step()
            continue
        _break(cloud, name)
        try:
            step()
        except (Failed, SmokeFailed) as failure:
            print(f"  broken off: {str(failure).splitlines()[-1][:160]}")
            _mend(cloud)
            return
        raise AssertionError(f"{name} was to break off, and did not")


def _break(cloud: Theatre, step: str) -> None:
    """Make the project refuse what a step needs."""
    no = Refused(400, "CANCELLED", "the build was cancelled")
    if step == "prepare":
        cloud.project.faults.append((re.compile(r"POST .*/queues|PATCH .*/queues"), no))
    elif step == "stage":
        cloud.project.run.broken = {"run-saga-step"}
    elif step == "smoke":
        cloud.project.front.answers = {"start-saga": 422}
    else:
        # A first release moves no traffic; a later one does so before it updates the job.
        cloud.project.run.stuck = {"sweep-sagas"}
        cloud.project.faults.append((re.compile(r"(POST|PATCH) .*/jobs"), no))


def _mend(cloud: Theatre) -> None:
    cloud.project.run.broken, cloud.project.run.stuck = set(), set()
    cloud.project.front.answers = {}
    cloud.project.faults.clear()


def serving(cloud: Theatre) -> dict[str, str]:
    """Return the revision that each service serves."""
    place = "projects/shop-1/locations/europe-west1"
    found = {}
    for each in cloud.project.state.below(place, "services"):
        shown = cloud.project.run.show(each["name"])
        targets = [t for t in shown.get("trafficStatuses", []) if t.get("percent") == 100]
        found[each["name"].rpartition("/")[2]] = targets[0]["revision"] if targets else ""
    return found


def play_mode(cloud: Theatre, settings: Settings) -> None:
    """Play a deployment's life in one mode."""
    mode = settings.mode
    for broken in ("prepare", "stage", "smoke", "release"):
        say(f"MODE={mode}: the first build breaks off in {broken}")
        build(cloud, settings, IMAGE, broken)
    say(f"MODE={mode}: the first build is taken up, and ends")
    build(cloud, settings, IMAGE)
    first = serving(cloud)
    assert all(first.values()), first
    say(f"MODE={mode}: a second build without changes")
    heard = len(cloud.project.log)
    build(cloud, settings, IMAGE)
    written = [url for _, method, url, _ in cloud.project.log[heard:] if method == "PATCH"]
    assert not [url for url in written if "run.googleapis.com" in url], written
    assert serving(cloud) == first
    print("  nothing was deployed, and no traffic was moved")
    for broken in ("smoke", "release"):
        say(f"MODE={mode}: a new image, whose build breaks off in {broken}")
        build(cloud, settings, f"{IMAGE}2", broken)
    say(f"MODE={mode}: the new image, taken up")
    build(cloud, settings, f"{IMAGE}2")
    assert not set(first.values()) & set(serving(cloud).values())
    say(f"MODE={mode}: callers")
    play_callers(cloud, settings)
    say(f"MODE={mode}: make rollback, without MODE")
    revisions.roll_back(cloud, replace(settings, mode="functions"))
    assert serving(cloud) == first
    play_canary(cloud, settings, first)
    say(f"MODE={mode}: make teardown")
    cloud.act_as("user:owner@example.com")
    tear_down(cloud, settings)
    assert not serving(cloud)


def play_canary(cloud: Theatre, settings: Settings, first: dict[str, str]) -> None:
    """Play the build of a canary, one that advances, and one that is rolled back."""
    say(f"MODE={settings.mode}: a canary of 10 percent, and make rollback")
    canary = replace(settings, canary="10")
    build(cloud, canary, f"{IMAGE}3")
    assert not any(serving(cloud).values()), "no revision has all of the traffic"
    revisions.roll_back(cloud, settings)
    assert serving(cloud) == first
    say(f"MODE={settings.mode}: the same canary again, and make release")
    revisions.promote(cloud, canary)
    revisions.promote(cloud, settings)
    assert not set(first.values()) & set(serving(cloud).values())


def play(folder: Path) -> None:
    """Play everything; raise AssertionError, or what the deployment raises, if anything differs."""
    project, began = Project(), time.monotonic()
    tables.INDEX_BUILDS = tables.METRIC_SPREADS = 40.0  # a poll is a gcloud process and takes time
    with serve(project) as address:
        os.environ.update(environment(address, folder, "user:owner@example.com"))
        cloud = Theatre(project, folder)
        say("make setup, on a project that was made a moment ago")
        set_up(cloud, STATED)
        say("make alerts")
        watch(cloud, STATED)
        say("make alerts again, without CHANNELS")
        watch(cloud, replace(STATED, channels=""))
        cloud.sleep(timedelta(minutes=10))
        say("a build is submitted, by a stranger and by one of SUBMITTERS")
        play_submission(cloud, STATED.submitters)
    commands, requests = cloud.commands, cloud.requests
    for mode in ("api", "functions"):
        copied = copy.deepcopy(project)
        with serve(copied) as address:
            os.environ.update(environment(address, folder, BUILD))
            cloud = Theatre(copied, folder)
            cloud.act_as(BUILD)
            play_mode(cloud, replace(STATED, mode=mode))
        commands, requests = commands + cloud.commands, requests + cloud.requests
    spent = time.monotonic() - began
    print(f"\nplayed: {commands} gcloud commands, {requests} requests, {spent:.0f} s; all as said")


def main() -> int:
    """Play, or print why not."""
    if shutil.which("gcloud") is None:
        print("make play needs gcloud, which is not installed here: nothing was played")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
