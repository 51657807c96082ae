"""gcloud accepts every command that we run or document."""

import re
import shlex
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from deploy.__main__ import release
from deploy.cloud.client import DryRun
from deploy.cloud_run.services import list_services
from deploy.observability.alerts import apply_alerts
from deploy.project.setup import set_up
from deploy.rollout import revisions
from deploy.settings import PROJECT, Unusable
from tests.deploy.builds import build
from tests.deploy.cloud import BUILD, IMAGE, SETTINGS, Cloud, make_cloud
from tests.deploy.lint import find_commands, find_faults, needs_gcloud

pytestmark = needs_gcloud

CHANNELS = "projects/shop-1/notificationChannels/1"
FULL = replace(SETTINGS, queue_count="3", channels=CHANNELS, submitters="user:dev@example.com")


def say_everything() -> list[str]:
    """Return the gcloud commands of build, set-up and alerts, for an empty and a full project.

    Services are changed by REST: see tests/deploy/play.
    """
    cloud = Cloud()
    for _ in range(2):
        set_up(cloud, FULL)
        apply_alerts(cloud, FULL)
        cloud.sleep(timedelta(minutes=10))
    cloud.act_as(BUILD)
    for _ in range(2):
        build(cloud, settings=FULL)
    state = cloud.project.state
    state.find("projects/shop-1/locations/europe-west1/services/get-saga")["labels"] = {}
    with pytest.raises(Unusable) as refusal:
        revisions.stage(cloud, FULL, IMAGE)
    cloud.said.append("gcloud " + str(refusal.value).partition(": gcloud ")[2])
    return list({shape_of(line): line for line in cloud.said}.values())


def shape_of(line: str) -> tuple[str, ...]:
    """Return a command without what the linter ignores: the flags' values, and our names."""
    return tuple(
        word.split("=")[0] if word.startswith("--") else "NAME" if is_name(word) else word
        for word in shlex.split(line)
    )


def is_name(word: str) -> bool:
    """Return whether a word is the name of a service, a queue, an account or a metric of ours."""
    services = {service.name for service in list_services(FULL)}
    return word in services or word.startswith(("amends-", "Amends: ", "sagas"))


def test_gcloud_accepts_every_command_of_build_set_up_and_alerts(
    tmp_path: Path,
) -> None:
    lines = say_everything()
    for part in (
        "services enable", "ttls update", "tasks queues create", "tasks queues update",
        "tasks queues add-iam-policy-binding", "scheduler jobs create", "scheduler jobs update",
        "auth print-access-token", "indexes create",
        "indexes composite list", "locations list", "--condition=", "run services update",
    ):  # fmt: skip
        assert any(part in line for line in lines), part
    assert find_faults(lines, tmp_path) == []


def test_gcloud_accepts_the_clean_up_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = make_cloud()
    build(cloud)
    name = "projects/shop-1/locations/europe-west1/services/old"
    cloud.project.state.put(name, {"name": name, "labels": {"amends-release": "x"}})
    capsys.readouterr()
    release(cloud, SETTINGS)
    said = [each for each in find_commands(capsys.readouterr().out) if "delete" in each]
    assert said[-1:] == ["gcloud run services delete old --region=europe-west1"]
    assert find_faults(said, tmp_path) == []


def test_gcloud_accepts_every_documented_command(tmp_path: Path) -> None:
    pages = "\n".join(page.read_text() for page in sorted((PROJECT / "docs").glob("*.md")))
    said = [*re.findall(r"`(gcloud [^`]*)`", pages), *find_commands(pages)]
    for step in yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())["steps"]:
        for argument in step["args"]:
            said += find_commands(str(argument).replace("$$", "$"))
    alerts = (PROJECT / "deploy" / "alerts").glob("*.json")
    for file in alerts:
        said += re.findall(r"`(gcloud [^`]*)`", file.read_text())
    assert any(line.startswith("gcloud beta builds submit") for line in said)
    assert find_faults(said, tmp_path) == []


def test_a_wrong_flag_or_command_is_found(tmp_path: Path) -> None:
    create = next(line for line in say_everything() if "queues create" in line)
    wrong = [
        create.replace("--max-attempts=", "--max-attemps="),
        "gcloud tasks queue list",
        *find_commands("x=1 && gcloud builds submit --regions=r || true"),
    ]
    faults = find_faults([create, *wrong], tmp_path)
    assert [fault.split(": ")[0] for fault in faults] == wrong


def test_a_dry_run_shows_the_commands_for_an_empty_project(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    capsys.readouterr()
    set_up(DryRun(SETTINGS.project), SETTINGS)
    assert capsys.readouterr().out.splitlines() == list(dict.fromkeys(cloud.changes))
