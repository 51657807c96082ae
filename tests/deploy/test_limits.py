"""Limits that protect quotas and budgets: instances, images, sources, logs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from deploy.cloud_run.services import WORKER, describe_service, list_services
from deploy.observability.alerts import apply_alerts
from deploy.observability.log_exclusion import apply_exclusion, describe_exclusion
from deploy.project.setup import set_up
from deploy.settings import PROJECT, Unusable, read_settings
from deploy.table import check_table
from main import FUNCTIONS
from tests.deploy.builds import build, deployed_by
from tests.deploy.cloud import IMAGE, OWNER, SETTINGS, Cloud, make_cloud
from tests.deploy.test_rollout import FEW

SINK = "projects/shop-1/sinks/_Default"
REPOSITORY = "projects/shop-1/locations/europe-west1/repositories/amends"
BUCKET = "storage/b/shop-1_cloudbuild"


@pytest.mark.parametrize("mode", ["functions", "api"])
def test_every_service_has_a_limit_and_all_together_fit_into_the_quota(mode: str) -> None:
    settings = replace(SETTINGS, mode=mode)
    limits = [
        describe_service(each, settings, IMAGE)["template"]["scaling"]["maxInstanceCount"]
        for each in list_services(settings)
    ]
    assert all(limits)
    assert sum(limits) <= int(settings.instances)


def test_more_instances_than_the_region_can_start_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = FUNCTIONS[WORKER]._replace(max_instances=900)
    monkeypatch.setitem(FUNCTIONS, WORKER, changed)
    with pytest.raises(Unusable, match=r"to 1\d{3}, .*_saga_step has 900.*INSTANCES=1\d{3}"):
        check_table(SETTINGS)
    check_table(replace(SETTINGS, instances="2000"))


def test_a_limit_below_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(max_instances=0))
    with pytest.raises(Unusable, match="get_saga: max_instances is positive, not 0"):
        check_table(SETTINGS)


def test_old_images_and_sources_are_deleted() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    policies = cloud.project.state.find(REPOSITORY)["cleanupPolicies"]
    assert {each["action"]["type"] for each in policies.values()} == {"Keep", "Delete"}
    (rule,) = cloud.project.state.find(BUCKET)["lifecycle"]["rule"]
    assert rule["condition"] == {"age": 30, "matchesPrefix": ["source/"]}
    cloud.take_changes()
    set_up(cloud, SETTINGS)
    assert not [line for line in cloud.take_changes() if "cleanup" in line or "lifecycle" in line]


def test_existing_rules_of_a_bucket_or_repository_are_left_alone() -> None:
    cloud = Cloud()
    theirs = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 1}}]}}
    cloud.project.state.put(BUCKET, {"name": BUCKET, **theirs})
    mine: dict[str, Any] = {"cleanupPolicies": {"mine": {}}}
    cloud.project.state.put(REPOSITORY, {"name": REPOSITORY, **mine})
    set_up(cloud, SETTINGS)
    assert cloud.project.state.find(BUCKET)["lifecycle"] == theirs["lifecycle"]
    assert cloud.project.state.find(REPOSITORY)["cleanupPolicies"] == mine["cleanupPolicies"]


def test_an_existing_bucket_without_rules_gets_ours() -> None:
    cloud = Cloud()
    cloud.project.state.put(BUCKET, {"name": BUCKET})
    set_up(cloud, SETTINGS)
    assert cloud.project.state.find(BUCKET)["lifecycle"]["rule"]


def test_request_logs_of_successful_deliveries_are_excluded() -> None:
    cloud = Cloud()
    theirs = {"name": "health", "filter": "x"}
    cloud.project.state.put(SINK, {"name": SINK, "exclusions": [theirs]})
    for settings in (SETTINGS, replace(SETTINGS, prefix="staging-", database="staging-amends")):
        apply_exclusion(cloud, settings)
    found = cloud.project.state.find(SINK)["exclusions"]
    names = [each["name"] for each in found]
    assert names == ["health", "amends-deliveries", "staging-amends-deliveries"]
    ours = found[1]["filter"]
    assert 'service_name=("run-saga-step" OR "sweep-sagas")' in ours
    assert "run.googleapis.com/requests" in ours
    assert ours.endswith("httpRequest.status<300")
    cloud.take_changes()
    apply_exclusion(cloud, SETTINGS)
    assert cloud.take_changes() == []


def test_an_exclusion_of_an_older_version_is_replaced() -> None:
    cloud = Cloud().act_as(OWNER)
    old = {**describe_exclusion(SETTINGS), "filter": "old"}
    cloud.project.state.put(SINK, {"name": SINK, "exclusions": [old]})
    apply_exclusion(cloud, SETTINGS)
    assert cloud.project.state.find(SINK)["exclusions"] == [describe_exclusion(SETTINGS)]


def test_excluded_logs_are_not_what_alerts_count() -> None:
    """Metrics and alerts read our own lines; the excluded ones are Cloud Run's."""
    cloud = Cloud()
    channels = "projects/shop-1/notificationChannels/1"
    apply_alerts(cloud, replace(SETTINGS, channels=channels))
    for metric in cloud.project.state.below("projects/shop-1", "metrics"):
        assert "jsonPayload." in metric["filter"]
    assert "jsonPayload" not in describe_exclusion(SETTINGS)["filter"]


def test_the_services_accept_the_rule_files() -> None:
    kept = json.loads((PROJECT / "deploy" / "cleanup.json").read_text())[0]["mostRecentVersions"]
    assert kept["keepCount"] >= 10


# The addresses that a service gets


def test_a_custom_domain_is_an_audience() -> None:
    stated = {"PROJECT": "p", "AUDIENCES": "https://orders.example.com, https://o.example.com:8443"}
    settings = replace(SETTINGS, audiences=read_settings(stated).audiences)
    for each in list_services(settings):
        listed = describe_service(each, settings, IMAGE)["template"]["containers"][0]["env"]
        found = {one["name"]: one.get("value") for one in listed}
        audiences = describe_service(each, settings, IMAGE)["customAudiences"]
        assert len(audiences) == (0 if each.is_internal else 2)
        assert found["AMENDS_AUDIENCES"] == "https://orders.example.com,https://o.example.com:8443"


def test_audiences_are_deployed_and_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    cloud = make_cloud()
    there = replace(SETTINGS, audiences="https://b.example.com,https://a.example.com")
    build(cloud, settings=there)
    assert len(cloud.service("get-saga")["customAudiences"]) == 2
    cloud.take_changes()
    build(cloud, settings=there)
    assert deployed_by(cloud.take_changes()) == []
    build(cloud)
    assert "customAudiences" not in cloud.service("get-saga")


@pytest.mark.parametrize(
    ("stated", "advice"),
    [
        ({"AUDIENCES": "orders.example.com"}, "https://orders.example.com, without a path"),
        ({"AUDIENCES": "https://a.example.com/orders"}, "without a path"),
        ({"INSTANCES": "many"}, "INSTANCES is a number"),
        ({"COMMIT": "main"}, "COMMIT is a commit's hash, not 'main'"),
    ],
)
def test_a_senseless_setting_is_refused(stated: dict[str, str], advice: str) -> None:
    with pytest.raises(Unusable, match=advice):
        read_settings({"PROJECT": "p", **stated})
