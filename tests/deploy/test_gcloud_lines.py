"""Every gcloud line that we say, or tell others to say, is one that gcloud understands."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deploy import rollout
from deploy.__main__ import prepare, release
from deploy.alerting import apply_alerts
from deploy.gcloud import DryRun, Gcloud
from deploy.invokers import apply_invokers
from deploy.services import list_services
from deploy.settings import PROJECT, Unusable
from deploy.setup import set_up
from deploy.smoke import try_next_revision
from tests.deploy.cloud import SETTINGS, Cloud
from tests.deploy.lint import find_commands, find_faults, needs_gcloud

pytestmark = needs_gcloud

FULL = replace(SETTINGS, queue_count="3", channels="projects/p/notificationChannels/1")


def build(gcloud: Gcloud, image: str) -> None:
    prepare(gcloud, FULL)
    rollout.stage(gcloud, FULL, image)
    apply_invokers(gcloud, FULL, list_services(FULL.mode))
    try_next_revision(gcloud, FULL, lambda *_: (200, "{}"))
    release(gcloud, FULL)


def say_everything() -> list[str]:
    """Return what the build, set-up and alerts say: to an empty project, and to a full one."""
    cloud = Cloud()
    for image in ("i:1", "i:2", "i:3"):
        set_up(cloud, FULL)
        apply_alerts(cloud, FULL)
        build(cloud, image)
    cloud.invokers["get-saga"].add("allUsers")
    apply_invokers(cloud, FULL, list_services(FULL.mode))
    rollout.roll_back(cloud, FULL)
    del cloud.services["get-saga"]["metadata"]["labels"]
    with pytest.raises(Unusable) as refusal:
        rollout.stage(cloud, FULL, "i:4")
    cloud.said.append("gcloud " + str(refusal.value).partition(": gcloud ")[2])
    return list({shape_of(line): line for line in cloud.said}.values())


def shape_of(line: str) -> tuple[str, ...]:
    """Return a line less what the linter does not look at: the flags' values, and our names."""
    return tuple(
        word.split("=")[0] if word.startswith("--") else "NAME" if is_name(word) else word
        for word in shlex.split(line)
    )


def is_name(word: str) -> bool:
    """Tell whether a word is the name of a service, a queue, an account or a metric of ours."""
    services = {service.name for service in list_services(FULL.mode)}
    return word in services or word.startswith(("amends-", "Amends: ", "sagas"))


def test_every_line_of_the_build_of_set_up_and_of_the_alerts_is_understood(
    tmp_path: Path,
) -> None:
    lines = say_everything()
    for part in (
        "services enable", "run deploy", "--to-tags=", "--remove-tags=", "ttls update",
        "run services remove-iam-policy-binding", "tasks queues create", "tasks queues update",
        "scheduler jobs create", "scheduler jobs update", "policies create", "policies update",
        "metrics update", "auth print-identity-token", "indexes create",
    ):  # fmt: skip
        assert any(part in line for line in lines), part
    assert find_faults(lines, tmp_path) == []


def test_the_line_that_deletes_what_is_left_over_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Cloud()
    build(cloud, "i:1")
    labels = {"amends-release": "x"}
    cloud.services["old"] = {"metadata": {"name": "old", "labels": labels}, "status": {}}
    capsys.readouterr()
    release(cloud, FULL)
    said = list(find_commands(capsys.readouterr().out))
    assert said == ["gcloud run services delete old --region=europe-west1"]
    assert find_faults(said, tmp_path) == []


def test_every_gcloud_line_of_the_readme_and_of_cloudbuild_is_understood(tmp_path: Path) -> None:
    readme = (PROJECT / "README.md").read_text()
    said = [*re.findall(r"`(gcloud [^`]*)`", readme), *find_commands(readme)]
    for step in yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())["steps"]:
        for argument in step["args"]:
            said += find_commands(str(argument).replace("$$", "$"))
    alerts = (PROJECT / "deploy" / "alerts").glob("*.json")
    for file in alerts:
        said += re.findall(r"`(gcloud [^`]*)`", file.read_text())
    assert any(line.startswith("gcloud builds submit") for line in said)
    assert find_faults(said, tmp_path) == []


def test_a_wrong_flag_or_command_is_found(tmp_path: Path) -> None:
    deploy = next(line for line in say_everything() if line.startswith("gcloud run deploy"))
    wrong = [
        deploy.replace("--concurrency=", "--concurency="),
        "gcloud tasks queue list",
        *find_commands("x=1 && gcloud builds submit --regions=r || true"),
    ]
    faults = find_faults([deploy, *wrong], tmp_path)
    assert [fault.split(": ")[0] for fault in faults] == wrong


def test_a_dry_run_shows_the_lines_that_set_up_an_empty_project(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    set_up(DryRun(SETTINGS.project), SETTINGS)
    assert capsys.readouterr().out.splitlines() == cloud.changes
