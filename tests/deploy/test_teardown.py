"""`make teardown`: one environment is removed, its data and other environments stay."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.__main__ import watch
from deploy.cloud.gcloud import ReadOnlyShell
from deploy.project.setup import set_up
from deploy.project.teardown import tear_down
from deploy.settings import PROJECT, Settings
from main import FUNCTIONS
from tests.deploy.builds import build
from tests.deploy.cloud import OWNER, SETTINGS, Cloud
from tests.deploy.lint import find_commands, find_faults, needs_gcloud
from tests.deploy.test_environments import BUILDS, PLAIN, STAGING, resources
from tests.deploy.test_rollout import FEW

MANY = replace(PLAIN, queue_count="3")
KEPT = {"databases", "backupSchedules", "indexes", "fields", "b", "sinks"}


def deploy_all(cloud: Cloud, settings: Settings) -> None:
    """Run everything that creates an environment."""
    cloud.act_as(OWNER)
    set_up(cloud, settings)
    watch(cloud, settings)
    cloud.sleep(timedelta(minutes=10))
    cloud.act_as(BUILDS[settings.prefix])
    build(cloud, settings=settings)
    cloud.sleep(timedelta(minutes=1))
    cloud.act_as(OWNER)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    cloud = Cloud()
    deploy_all(cloud, MANY)
    cloud.take_changes()
    return cloud


def kinds(cloud: Cloud) -> set[str]:
    names = [name for name in cloud.project.state.resources if name != "projects/shop-1"]
    return {name.split("/")[-2] for name in names}


def members(policies: Any) -> set[str]:
    return {m for each in policies.get("bindings", []) for m in each["members"]}


def test_everything_is_removed_but_the_data(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    tear_down(cloud, PLAIN)  # which does not mention a second and a third queue
    assert kinds(cloud) == KEPT
    state = cloud.project.state
    assert state.find("projects/shop-1/sinks/_Default")["exclusions"] == []
    for name in ("projects/shop-1", "storage/b/shop-1_cloudbuild"):
        assert not [m for m in members(state.policy_of(name)) if "amends-" in m], name
    said = capsys.readouterr().out
    assert "the database (default) with its backups" in said
    assert "--no-delete-protection" in said
    assert not re.search("databases delete|buckets delete", "\n".join(cloud.take_changes()))


def test_a_second_teardown_removes_nothing(cloud: Cloud) -> None:
    tear_down(cloud, PLAIN)
    cloud.take_changes()
    tear_down(cloud, PLAIN)
    assert cloud.take_changes() == []


def test_other_environments_and_foreign_resources_are_left_alone(cloud: Cloud) -> None:
    deploy_all(cloud, STAGING)
    place = "projects/shop-1/locations/europe-west1"
    theirs = {f"{place}/services/shop", f"{place}/queues/sagas-of-others"}
    for name in theirs:
        cloud.project.state.put(name, {"name": name})
    before = resources(cloud, staging=True)
    tear_down(cloud, PLAIN)
    assert resources(cloud, staging=True) == before
    assert theirs <= set(cloud.project.state.resources)
    tear_down(cloud, STAGING)
    assert kinds(cloud) == KEPT | {"services", "queues"}


def test_callers_are_removed_before_what_they_call(cloud: Cloud) -> None:
    tear_down(cloud, PLAIN)
    changes = cloud.take_changes()
    first = {
        part: next(number for number, line in enumerate(changes) if part in line)
        for part in ("jobs delete", "DELETE https://run.", "queues delete", "accounts delete")
    }
    assert list(first) == sorted(first, key=first.__getitem__)


def test_an_environment_can_be_set_up_again_after_its_teardown(cloud: Cloud) -> None:
    tear_down(cloud, PLAIN)
    deploy_all(cloud, MANY)
    assert cloud.serving("get-saga")


def test_without_apply_only_existing_resources_are_shown(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "deploy teardown $(if $(APPLY),,--dry-run)" in (PROJECT / "Makefile").read_text()
    before = dict(cloud.project.state.resources)
    read_only = ReadOnlyShell("shop-1", cloud._run, cloud.project.fetch)
    capsys.readouterr()
    tear_down(read_only, PLAIN)
    shown = capsys.readouterr().out
    assert cloud.project.state.resources == before
    for part in ("queues delete sagas-3 ", "services/get-saga", "delete amends-app@"):
        assert part in shown, part


@needs_gcloud
def test_gcloud_accepts_every_command_of_teardown(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.said.clear()
    capsys.readouterr()
    tear_down(cloud, PLAIN)
    remains = find_commands(capsys.readouterr().out.partition("These stay")[2])
    said = [*cloud.said, *remains]
    assert any("databases delete" in line for line in said)
    assert (
        find_faults(list({re.sub("=.*", "", line): line for line in said}.values()), tmp_path) == []
    )


def test_a_database_of_its_own_is_listed_as_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    tear_down(cloud, STAGING)
    assert "the database staging-amends" in capsys.readouterr().out
