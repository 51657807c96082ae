"""What set-up does so that data can be restored."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.project.setup import set_up
from deploy.settings import PROJECT, Unusable, read_settings
from tests.deploy.cloud import SETTINGS, Cloud
from tests.deploy.lint import find_commands, find_faults, needs_gcloud

DATABASE = "projects/shop-1/databases/(default)"


def schedules(cloud: Cloud) -> list[dict[str, Any]]:
    return cloud.project.state.below(DATABASE, "backupSchedules")


def is_protected(cloud: Cloud) -> bool:
    found = cloud.project.state.find(DATABASE)
    return (found["pointInTimeRecoveryEnablement"], found["deleteProtectionState"]) == (
        "POINT_IN_TIME_RECOVERY_ENABLED",
        "DELETE_PROTECTION_ENABLED",
    )


def test_a_new_database_can_be_recovered_is_not_deleted_and_is_backed_up_every_day() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    create = next(line for line in cloud.changes if "databases create" in line)
    assert "--enable-pitr --delete-protection" in create
    (daily,) = schedules(cloud)
    assert (daily["retention"], daily["dailyRecurrence"]) == (f"{14 * 86400}s", {})
    assert is_protected(cloud)


def test_an_existing_database_gets_only_what_it_lacks() -> None:
    cloud = Cloud()
    found = {"name": DATABASE, "type": "DATASTORE_MODE", "locationId": "europe-west1"}
    cloud.project.state.put(DATABASE, found)
    set_up(cloud, SETTINGS)
    assert is_protected(cloud)
    cloud.take_changes()
    set_up(cloud, SETTINGS)
    assert not [line for line in cloud.take_changes() if "gcloud firestore" in line]
    assert len(schedules(cloud)) == 1


def test_how_long_backups_are_kept_can_be_changed_and_left_to_somebody_else() -> None:
    cloud = Cloud()
    set_up(cloud, replace(SETTINGS, backup_days="0"))
    assert schedules(cloud) == []
    set_up(cloud, SETTINGS)
    set_up(cloud, replace(SETTINGS, backup_days="30"))
    assert [each["retention"] for each in schedules(cloud)] == [f"{30 * 86400}s"]


@pytest.mark.parametrize("days", ["99", "a week", "-1"])
def test_an_invalid_backup_retention_is_refused(days: str) -> None:
    with pytest.raises(Unusable, match="BACKUP_DAYS is 0, or 1 to 98 days"):
        read_settings({"PROJECT": "p", "BACKUP_DAYS": days})


@needs_gcloud
def test_gcloud_accepts_every_command_of_the_deployment_page(tmp_path: Path) -> None:
    cloud = Cloud()
    for days in ("14", "30"):
        set_up(cloud, replace(SETTINGS, backup_days=days))
    page = (PROJECT / "docs" / "deploy.md").read_text()
    inline = re.findall(r"`(gcloud [^`]*)`", page.replace("\n", " "))
    said = [*inline, *find_commands(page), *(line for line in cloud.said if "firestore" in line)]
    said = list(dict.fromkeys(said))
    for part in ("schedules update", "databases restore", "queues pause", "queues resume"):
        assert any(part in line for line in said), part
    assert find_faults(said, tmp_path) == []
