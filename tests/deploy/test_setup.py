"""What set-up gives to whom, and how it is told what to do."""

import re

import pytest

from deploy.settings import PROJECT, Settings, Unusable, read_settings
from deploy.setup import APIS, set_up
from tests.deploy.cloud import SETTINGS, Cloud


def roles(account: str) -> set[str]:
    """Return every role that set-up gives to one of our accounts, wherever."""
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    lines = [line for line in cloud.changes if f"--member=serviceAccount:{account}@" in line]
    return {role for line in lines for role in re.findall(r"--role=(\S+)", line)}


def test_setting_up_again_creates_nothing() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    assert any(" create " in line for line in cloud.take_changes())
    set_up(cloud, SETTINGS)
    assert [line for line in cloud.changes if " create " in line] == []


def test_nobody_gets_a_key_or_a_role_over_everything() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    said = "\n".join(cloud.said)
    assert "keys" not in said
    assert not re.search(r"roles/(owner|editor|viewer|iam\.securityAdmin)\b", said)


def test_the_functions_may_use_their_data_and_make_tasks_and_nothing_else() -> None:
    assert roles("amends-app") == {
        "roles/datastore.user",
        "roles/cloudtasks.enqueuer",
        "roles/iam.serviceAccountUser",
    }


@pytest.mark.parametrize("account", ["amends-tasks", "amends-scheduler"])
def test_who_only_calls_has_no_role_but_to_call_what_the_build_lets_it(account: str) -> None:
    assert roles(account) == set()


def test_an_account_is_usable_only_by_those_who_must() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    pattern = r"iam service-accounts add-iam-policy-binding (\S+?)@.*serviceAccount:(\S+?)@"
    bindings = {found for line in cloud.changes for found in re.findall(pattern, line)}
    assert bindings == {
        ("amends-tasks", "amends-app"),
        ("amends-app", "amends-build"),
        ("amends-scheduler", "amends-build"),
        ("amends-build", "amends-build"),
    }


def test_every_service_that_is_spoken_to_is_enabled() -> None:
    for api in ("run", "cloudtasks", "cloudscheduler", "datastore", "artifactregistry"):
        assert api in APIS


def test_the_names_of_the_accounts_are_ones_that_iam_takes() -> None:
    for name in ("app", "tasks", "scheduler", "build"):
        account = getattr(SETTINGS, f"{name}_account")
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account)


@pytest.mark.parametrize(
    ("stated", "advice"),
    [
        ({}, "PROJECT="),
        ({"PROJECT": "p", "REGION": "global"}, "--region="),
        ({"PROJECT": "p", "MODE": "one"}, "functions or api"),
        ({"PROJECT": "p", "MODE": "api", "OPERATORS": "user:a@b.c,group:g@b.c"}, "'group:g@b.c'"),
        ({"PROJECT": "p", "QUEUE_COUNT": "0"}, "1 to 100"),
        ({"PROJECT": "p", "QUEUE_COUNT": "many"}, "1 to 100"),
        ({"PROJECT": "p", "RETENTION_DAYS": "a year"}, "number of days"),
    ],
)
def test_a_setting_that_cannot_be_deployed_is_refused_with_advice(
    stated: dict[str, str], advice: str
) -> None:
    with pytest.raises(Unusable, match=advice):
        read_settings(stated)


def test_what_is_stated_as_nothing_has_its_default() -> None:
    assert read_settings({"PROJECT": "p", "CALLERS": "", "MODE": ""}) == Settings(project="p")


def test_make_setup_shows_and_changes_nothing_unless_told_to() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    assert "python -m deploy setup $(if $(APPLY),,--dry-run)" in makefile
