"""`make alerts`, run repeatedly: the recipients, and manual changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.cloud.client import Failed
from deploy.observability.alerts import METRIC_KNOWN_WITHIN, POLICIES, apply_alerts
from deploy.settings import Unusable
from tests.deploy.cloud import OWNER, SETTINGS, Cloud, make_cloud
from tests.deploy.project import tables

OPS = "projects/shop-1/notificationChannels/1"
BOSS = "projects/shop-1/notificationChannels/2"
TELLING = replace(SETTINGS, channels=OPS)


@pytest.fixture
def cloud() -> Cloud:
    return make_cloud().act_as(OWNER)


def policies(cloud: Cloud) -> list[dict[str, Any]]:
    return cloud.project.state.below("projects/shop-1", "alertPolicies")


def test_a_new_metric_is_waited_for_with_a_message(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    apply_alerts(cloud, TELLING)
    assert len(policies(cloud)) == len(list(POLICIES.glob("*.json")))
    assert "Monitoring does not know the new metric yet" in capsys.readouterr().out
    assert cloud.now() >= tables.METRIC_SPREADS


def test_a_metric_that_never_appears_is_an_error_in_time(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "METRIC_SPREADS", 1e9)
    began = cloud.now()
    with pytest.raises(Failed, match="Cannot find metric"):
        apply_alerts(cloud, TELLING)
    waited = timedelta(seconds=cloud.now() - began)
    assert METRIC_KNOWN_WITHIN <= waited < METRIC_KNOWN_WITHIN + timedelta(minutes=1)


def test_alerts_without_a_recipient_are_refused_and_nothing_is_created(cloud: Cloud) -> None:
    cloud.take_changes()
    with pytest.raises(Unusable, match="would reach nobody: set CHANNELS="):
        apply_alerts(cloud, SETTINGS)
    assert cloud.take_changes() == []


def test_without_channels_new_policies_get_the_existing_ones(cloud: Cloud) -> None:
    apply_alerts(cloud, TELLING)
    removed = policies(cloud)[0]["name"]
    del cloud.project.state.resources[removed]
    apply_alerts(cloud, SETTINGS)
    assert len(policies(cloud)) == len(list(POLICIES.glob("*.json")))
    assert all(policy["notificationChannels"] == [OPS] for policy in policies(cloud))


def test_given_channels_replace_the_existing_ones(cloud: Cloud) -> None:
    apply_alerts(cloud, TELLING)
    apply_alerts(cloud, replace(SETTINGS, channels=f"{OPS}, {BOSS}"))
    assert all(policy["notificationChannels"] == [OPS, BOSS] for policy in policies(cloud))


def test_a_disabled_policy_is_updated_and_stays_disabled(cloud: Cloud) -> None:
    apply_alerts(cloud, TELLING)
    policy = policies(cloud)[0]
    policy.update(enabled=False, severity="WARNING", notificationChannels=[BOSS])
    cloud.project.state.resources[policy["name"]] = policy
    apply_alerts(cloud, SETTINGS)
    found = cloud.project.state.find(policy["name"])
    assert (found["enabled"], found["notificationChannels"]) == (False, [BOSS])
    assert found["severity"] == "ERROR"


def test_a_policy_is_recognized_by_its_label_whatever_its_title(cloud: Cloud) -> None:
    apply_alerts(cloud, TELLING)
    for policy in policies(cloud):
        policy["displayName"] = "renamed"
    apply_alerts(cloud, TELLING)
    assert len(policies(cloud)) == len(list(POLICIES.glob("*.json")))


def test_a_policy_without_labels_is_adopted(cloud: Cloud) -> None:
    name = "projects/shop-1/alertPolicies/old"
    old = {"name": name, "displayName": "Amends: a saga is parked", "notificationChannels": [BOSS]}
    cloud.project.state.put(name, old)
    apply_alerts(cloud, SETTINGS)
    found = cloud.project.state.find(name)
    assert found["userLabels"] == {"amends": "saga-parked"}
    assert found["notificationChannels"] == [BOSS]


def test_every_title_names_its_deployment(cloud: Cloud) -> None:
    apply_alerts(cloud, TELLING)
    titles = [policy["displayName"] for policy in policies(cloud)]
    assert all(title.startswith("Amends in shop-1: ") for title in titles)


@pytest.mark.parametrize("channel", ["ops@example.com", "12345"])
def test_an_invalid_channel_is_refused_before_anything_is_created(
    cloud: Cloud, channel: str
) -> None:
    cloud.take_changes()
    with pytest.raises(Unusable, match="write projects/PROJECT/notificationChannels/NUMBER"):
        apply_alerts(cloud, replace(SETTINGS, channels=channel))
    assert cloud.take_changes() == []


def test_a_missing_sweep_is_noticed_even_if_it_has_never_run() -> None:
    """conditionAbsent ignores a series that never existed; `or vector(0)` does not."""
    text = (POLICIES / "sweep-absent.json").read_text()
    assert "conditionAbsent" not in text
    assert "or vector(0)) < 1" in text
