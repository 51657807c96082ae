"""Several environments in one project: each has its own names, and does not touch the others."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml

from deploy.cloud_run.services import list_services
from deploy.observability.alerts import (
    METRICS,
    POLICIES,
    apply_alerts,
    describe_metric,
    describe_policy,
)
from deploy.project.setup import set_up
from deploy.rollout import revisions
from deploy.settings import PROJECT, Settings, Unusable, read_settings
from lib.config import config
from lib.observability.logs import log
from main import FUNCTIONS
from tests.deploy.builds import build
from tests.deploy.cloud import IMAGE, OWNER, SETTINGS, Cloud
from tests.support.edge import read_lines

OPS = "projects/shop-1/notificationChannels/1"
PLAIN = replace(SETTINGS, channels=OPS)
STAGING = Settings(
    project="shop-1",
    project_number="123456789012",
    prefix="staging-",
    callers="user:sam@example.com",
    channels=OPS,
)
BUILDS = {
    settings.prefix: f"serviceAccount:{settings.prefix}amends-build@shop-1.iam.gserviceaccount.com"
    for settings in (PLAIN, STAGING)
}
FEW = {"run_saga_step", "sweep_sagas", "start_saga", "get_saga", "list_sagas", "pause_saga"}
SECOND = f"{IMAGE}2"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the table by one of a few functions."""
    for name in set(FUNCTIONS) - FEW:
        monkeypatch.delitem(FUNCTIONS, name)


@pytest.fixture
def both(few: None) -> Cloud:
    """Return a project with two environments, each set up, deployed, and watched."""
    cloud = Cloud()
    for settings in (PLAIN, STAGING):
        cloud.act_as(OWNER)
        set_up(cloud, settings)
        apply_alerts(cloud, settings)
        cloud.sleep(timedelta(minutes=10))
        cloud.act_as(BUILDS[settings.prefix])
        build(cloud, settings=settings)
        cloud.sleep(timedelta(minutes=1))
    return cloud


def resources(cloud: Cloud, *, staging: bool) -> dict[str, Any]:
    """Return an environment's resources, with their policies and traffic."""
    state = cloud.project.state
    found = {}
    for name in state.resources:
        text = f"{name} {state.resources[name].get('displayName', '')}"
        if ("staging" in text) is staging and name != "projects/shop-1":
            shown = cloud.service(name) if "/services/" in name else state.resources[name]
            found[name] = (shown, state.policies.get(name))
    return found


def kinds(found: dict[str, Any]) -> set[str]:
    return {name.split("/")[-2] for name in found}


def test_an_environment_has_one_of_everything_under_its_own_names(both: Cloud) -> None:
    own = kinds(resources(both, staging=True))
    assert own >= {
        "services", "queues", "jobs", "serviceAccounts", "databases", "repositories", "metrics",
        "alertPolicies",
    }  # fmt: skip
    assert own == kinds(resources(both, staging=False)) - {"b", "sinks"}


def test_deploying_one_environment_touches_nothing_of_the_other(both: Cloud) -> None:
    for settings, staging in ((STAGING, False), (PLAIN, True)):
        before = resources(both, staging=staging)
        both.act_as(OWNER)
        set_up(both, settings)
        apply_alerts(both, settings)
        both.act_as(BUILDS[settings.prefix])
        build(both, SECOND, settings)
        revisions.roll_back(both, settings)
        assert resources(both, staging=staging) == before
        assert revisions.find_obsolete(both, settings) == []


def test_no_account_can_access_another_environments_data_or_queues(
    both: Cloud,
) -> None:
    allows = both.project.state.allows
    for account in ("app", "data", "build", "tasks", "scheduler"):
        member = f"serviceAccount:staging-amends-{account}@shop-1.iam.gserviceaccount.com"
        for permission, name in (
            ("datastore.entities.get", "databases/(default)"),
            ("cloudtasks.tasks.create", "locations/europe-west1/queues/sagas"),
            ("run.routes.invoke", "locations/europe-west1/services/run-saga-step"),
            ("artifactregistry.repositories.uploadArtifacts",
             "locations/europe-west1/repositories/amends"),
        ):  # fmt: skip
            if account == "build" and permission.startswith(("cloudtasks", "run.")):
                continue  # a build may set up services and queues in the whole project
            assert not allows(member, permission, f"projects/shop-1/{name}"), (account, permission)
    member = "serviceAccount:staging-amends-app@shop-1.iam.gserviceaccount.com"
    assert allows(member, "datastore.entities.get", "projects/shop-1/databases/staging-amends")


def test_a_service_of_another_environment_is_not_replaced(few: None) -> None:
    """PREFIX=a- with a function b_c and PREFIX=a-b- with a function c both give a-b-c."""
    cloud = Cloud()
    set_up(cloud, replace(STAGING, callers=""))
    cloud.sleep(timedelta(minutes=10))
    place = "projects/shop-1/locations/europe-west1/services/staging-get-saga"
    labels = {"amends-release": "x", "amends-environment": "sta"}
    cloud.project.state.put(place, {"name": place, "labels": labels})
    advice = "--update-labels=amends-release=replace,amends-environment=staging"
    with pytest.raises(Unusable, match=f"no build of shop-1/staging has deployed.*{advice}"):
        revisions.stage(cloud, STAGING, IMAGE)


@pytest.mark.parametrize(
    ("stated", "advice"),
    [
        ({"PREFIX": "staging"}, "ends with a hyphen, such as staging-; not 'staging'"),
        ({"PREFIX": "Staging-"}, "lower-case letters"),
        ({"PREFIX": "-"}, "starts with a letter"),
        ({"PREFIX": "a-customers-staging-"}, r"-amends-data is not a .*31 char.* shorter PREFIX"),
        ({"PREFIX": "s-", "DATABASE": "(default)"}, "leave out DATABASE to use s-amends"),
        ({"DATABASE": "DB"}, "'DB' is not a valid name of a database"),
        (
            {"APP_ACCOUNT": "app"},
            "app is not a valid name of a service account .3 char.*APP_ACCOUNT",
        ),
    ],
)
def test_a_name_that_google_would_refuse_is_refused_with_advice(
    stated: dict[str, str], advice: str
) -> None:
    with pytest.raises(Unusable, match=advice):
        read_settings({"PROJECT": "p", **stated})


def test_a_prefix_that_leaves_no_room_for_a_function_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(FUNCTIONS, "a" * 24, FUNCTIONS["get_saga"])
    with pytest.raises(Unusable, match=r"staging-a+ has 32 char.* main.py or a shorter PREFIX"):
        list_services(STAGING)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, "(default)"),
        ({"DATABASE": "orders"}, "orders"),
        ({"PREFIX": "staging-"}, "staging-amends"),
        ({"PREFIX": "staging-", "DATABASE": "orders"}, "orders"),
    ],
)
def test_the_check_looks_into_the_database_that_is_deployed(
    stated: dict[str, str], expected: str
) -> None:
    assert read_settings({"PROJECT": "p", **stated}).database == expected
    steps = yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())["steps"]
    (script,) = [step["args"][1] for step in steps if step["id"] == "check"]
    script = script.replace("$$", "$").replace(".venv/bin/python -m deploy.saga_check", "env")
    said = subprocess.run(
        ["bash", "-c", script],
        env={"PROJECT": "p", "PATH": "/usr/bin:/bin", **stated},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert f"AMENDS_DATABASE={expected.removeprefix('(default)')}" in said


def filters(settings: Settings) -> Iterator[str]:
    """Yield every filter and query of an environment's metrics and alerts."""
    for file in METRICS.glob("*.json"):
        yield describe_metric(file, settings)["filter"]
    for file in POLICIES.glob("*.json"):
        text = str(describe_policy(file, settings)["conditions"])
        yield from re.findall(r"""'(?:filter|query)': ['"](.+?)['"](?:,|})""", text)


def test_an_alert_is_about_the_lines_and_the_metrics_of_one_environment() -> None:
    ours, theirs = sorted(filters(STAGING)), sorted(filters(PLAIN))
    assert len(ours) == len(theirs) > len(list(METRICS.glob("*.json")))
    for each in ours:
        mine = ("/staging-amends-", "user_staging_amends_", 'jsonPayload.environment="staging"')
        assert any(part in each for part in mine), each
    for each in theirs:
        assert "staging" not in each
        assert "user/amends-" in each or "user_amends_" in each or "environment:*" in each, each


@pytest.mark.parametrize("environment", ["", "staging"])
def test_log_lines_name_their_environment(
    environment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMENDS_ENVIRONMENT", environment)
    config.cache_clear()
    log("INFO", "request")
    monkeypatch.undo()
    config.cache_clear()
    (line,) = read_lines(capsys)
    assert line.get("environment", "") == environment
