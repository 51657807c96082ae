"""The roles and resources of set-up, in a new and in an existing project."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.cloud.client import Failed
from deploy.cloud.retry import PATIENCE
from deploy.project.setup import APIS, set_up
from deploy.settings import PROJECT, Settings, Unusable, read_settings
from main import FUNCTIONS
from tests.deploy.builds import build
from tests.deploy.cloud import SETTINGS, Cloud, make_cloud
from tests.deploy.project.state import Refused

DEVELOPER = "user:dev@example.com"
NOW = "projects/shop-1"


def bindings() -> Iterator[tuple[str, str, str, str]]:
    """Yield every role that set-up grants: the resource, the member, the role and the condition."""
    settings = replace(SETTINGS, submitters=DEVELOPER)
    state = make_cloud(settings).project.state
    for name in state.policies:
        for binding in state.policy_of(name)["bindings"]:
            for member in binding["members"]:
                expression = binding.get("condition", {}).get("expression", "")
                yield name, member, binding["role"], expression


def roles_of(account: str) -> set[tuple[str, str]]:
    member = f"serviceAccount:{account}@shop-1.iam.gserviceaccount.com"
    return {(name.rpartition("/")[2], role) for name, who, role, _ in bindings() if who == member}


def test_setting_up_again_creates_nothing() -> None:
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    assert any(" create " in line for line in cloud.take_changes())
    set_up(cloud, SETTINGS)
    assert [line for line in cloud.changes if " create " in line] == []


def test_a_new_project_is_waited_for_with_a_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """APIs and accounts are unknown for some seconds after they are created."""
    cloud = Cloud()
    set_up(cloud, SETTINGS)
    said = capsys.readouterr().out
    assert "... not yet (a new project, API or account has not propagated yet)" in said
    assert f"for up to {PATIENCE.total_seconds():.0f} s" in said
    statuses = {status for *_, status in cloud.project.log}
    assert {403, 400} <= statuses


def test_a_permanent_refusal_is_not_waited_for() -> None:
    cloud = Cloud("user:nobody@example.com")
    with pytest.raises(Failed, match=r"PERMISSION_DENIED.*serviceusage"):
        set_up(cloud, SETTINGS)
    assert cloud.now() == 0


def test_waiting_ends_with_an_error_after_two_minutes() -> None:
    cloud = Cloud()
    refused = Refused(403, "PERMISSION_DENIED", "X API has not been used in project shop-1 before")
    cloud.project.faults = [(re.compile("locations"), refused)] * 100
    with pytest.raises(Failed, match="has not been used"):
        set_up(cloud, SETTINGS)
    assert PATIENCE <= timedelta(seconds=cloud.now()) < 2 * PATIENCE


def test_policies_that_change_concurrently_are_written_again() -> None:
    cloud = Cloud()
    refused = Refused(409, "ABORTED", "There were concurrent policy changes. Please retry.")
    cloud.project.faults = [(re.compile("shop-1:setIamPolicy"), refused)] * 3
    set_up(cloud, SETTINGS)
    assert cloud.project.faults == []


def test_nobody_gets_a_key_or_a_role_over_everything() -> None:
    cloud = Cloud()
    set_up(cloud, replace(SETTINGS, submitters=DEVELOPER))
    said = "\n".join(cloud.said)
    assert "keys" not in said
    assert not re.search(r"roles/(owner|editor|viewer|iam\.securityAdmin)\b", said)


def test_each_account_has_the_roles_that_it_needs_and_no_more() -> None:
    assert roles_of("amends-app") == {
        ("shop-1", "roles/datastore.user"),
        ("amends-tasks@shop-1.iam.gserviceaccount.com", "roles/iam.serviceAccountUser"),
    }
    assert roles_of("amends-data") == {("shop-1", "roles/datastore.user")}
    assert roles_of("amends-tasks") == roles_of("amends-scheduler") == set()


def test_a_data_role_is_limited_to_the_database() -> None:
    given = [(role, expression) for _, _, role, expression in bindings() if "datastore" in role]
    name = "projects/shop-1/databases/(default)"
    expected = f'resource.name == "{name}" || resource.name.startsWith("{name}/")'
    assert given
    assert {expression for _, expression in given} == {expected}
    assert not any(role == "roles/cloudtasks.enqueuer" for _, _, role, _ in bindings())


def test_the_functions_can_create_tasks_only_in_their_queues() -> None:
    cloud = make_cloud()
    build(cloud)
    cloud.sleep(timedelta(minutes=1))
    member = "serviceAccount:amends-app@shop-1.iam.gserviceaccount.com"
    place = "projects/shop-1/locations/europe-west1/queues"
    cloud.project.state.put(f"{place}/theirs", {"name": f"{place}/theirs"})
    permission = "cloudtasks.tasks.create"
    assert cloud.project.state.allows(member, permission, f"{place}/sagas")
    assert not cloud.project.state.allows(member, permission, f"{place}/theirs")


def test_the_build_can_do_its_work_and_can_neither_write_data_nor_read_other_databases() -> None:
    cloud = make_cloud()
    build(cloud)
    member = "serviceAccount:amends-build@shop-1.iam.gserviceaccount.com"
    allows = cloud.project.state.allows
    ours, other = f"{NOW}/databases/(default)", f"{NOW}/databases/other"
    assert allows(member, "datastore.entities.get", ours)
    assert not allows(member, "datastore.entities.get", other)
    assert not allows(member, "datastore.entities.create", ours)
    assert not allows(member, "storage.objects.create", "storage/b/shop-1_cloudbuild")


def test_accounts_are_usable_only_by_those_that_need_them() -> None:
    short = re.compile(r"(?:.*/|serviceAccount:)?([^@]+)@.*")
    used = {
        (short.sub(r"\1", name), short.sub(r"\1", member))
        for name, member, role, _ in bindings()
        if role == "roles/iam.serviceAccountUser"
    }
    assert used == {
        ("amends-tasks", "amends-app"),
        ("amends-app", "amends-build"),
        ("amends-data", "amends-build"),
        ("amends-scheduler", "amends-build"),
        ("amends-build", "user:dev"),
    }


def test_submitters_can_submit_but_not_deploy() -> None:
    cloud = make_cloud(replace(SETTINGS, submitters=DEVELOPER))
    allows = cloud.project.state.allows
    bucket = "storage/b/shop-1_cloudbuild"
    account = f"{NOW}/serviceAccounts/amends-build@shop-1.iam.gserviceaccount.com"
    for permission, name in (
        ("cloudbuild.builds.create", NOW),
        ("serviceusage.services.use", NOW),
        ("storage.buckets.get", bucket),
        ("storage.buckets.list", NOW),
        ("storage.objects.create", bucket),
        ("logging.logEntries.list", NOW),
        ("iam.serviceAccounts.actAs", account),
    ):
        assert allows(DEVELOPER, permission, name), permission
        assert not allows("user:eve@example.com", permission, name), permission
    assert not allows(DEVELOPER, "run.services.create", NOW)


def test_a_secret_is_readable_by_the_account_of_its_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("run_saga_step", "get_order"):
        changed = FUNCTIONS[name]._replace(secrets={"KEY": f"{name.replace('_', '-')}:1"})
        monkeypatch.setitem(FUNCTIONS, name, changed)
    cloud = Cloud()
    for secret in ("run-saga-step", "get-order"):
        cloud.project.state.put(f"{NOW}/secrets/{secret}", {"name": f"{NOW}/secrets/{secret}"})
    set_up(cloud, SETTINGS)
    cloud.sleep(timedelta(minutes=1))

    def may(account: str, secret: str) -> bool:
        member = f"serviceAccount:{account}@shop-1.iam.gserviceaccount.com"
        name = f"{NOW}/secrets/{secret}"
        return cloud.project.state.allows(member, "secretmanager.versions.access", name)

    assert may("amends-app", "run-saga-step")
    assert may("amends-data", "get-order")
    assert not may("amends-data", "run-saga-step")
    assert not may("amends-app", "get-order")


def test_a_service_that_cannot_read_its_secret_fails_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = make_cloud()
    changed = FUNCTIONS["get_order"]._replace(secrets={"KEY": "payments:1"})
    monkeypatch.setitem(FUNCTIONS, "get_order", changed)
    with pytest.raises(Failed, match="get-order is deployed: failed: Permission denied on secret"):
        build(cloud)


def put_database(cloud: Cloud, **change: Any) -> None:
    name = f"{NOW}/databases/(default)"
    found = {"name": name, "type": "DATASTORE_MODE", "locationId": "europe-west1", **change}
    cloud.project.state.put(name, found)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"type": "FIRESTORE_NATIVE"}, "in Native mode, .* set DATABASE=amends"),
        ({"locationId": "nam5"}, "is in nam5, not in europe-west1: set DATABASE_LOCATION=nam5"),
    ],
)
def test_an_unsuitable_existing_database_is_refused(change: dict[str, str], advice: str) -> None:
    cloud = Cloud()
    put_database(cloud, **change)
    with pytest.raises(Unusable, match=advice):
        set_up(cloud, SETTINGS)
    assert [line for line in cloud.changes if " create " in line] == []
    set_up(cloud, replace(SETTINGS, database="amends"))
    assert cloud.project.state.find(f"{NOW}/databases/amends")["type"] == "DATASTORE_MODE"


def test_a_database_in_another_location_is_used_if_configured() -> None:
    cloud = Cloud()
    put_database(cloud, locationId="eur3")
    set_up(cloud, replace(SETTINGS, database_location="eur3"))


def test_a_region_without_cloud_tasks_is_refused_with_alternatives() -> None:
    settings = replace(SETTINGS, region="europe-north1")
    cloud = Cloud()
    with pytest.raises(Unusable, match=r"Cloud Tasks is not available in .* set TASKS_REGION="):
        set_up(cloud, settings)
    set_up(cloud, replace(settings, tasks_region="europe-west1"))
    cloud.sleep(timedelta(minutes=10))


def test_queues_and_the_job_are_created_in_the_location_of_cloud_tasks() -> None:
    settings = replace(SETTINGS, region="europe-north1", tasks_region="europe-west1")
    cloud = make_cloud(settings)
    build(cloud, settings=settings)
    place = f"{NOW}/locations/europe-west1"
    assert {f"{place}/queues/sagas", f"{place}/jobs/sweep-sagas"} <= set(
        cloud.project.state.resources
    )


def test_an_invalid_database_location_is_refused() -> None:
    with pytest.raises(Unusable, match="Firestore is not available in mars: set DATABASE_LOCATION"):
        set_up(Cloud(), replace(SETTINGS, database_location="mars"))


def test_every_used_service_is_enabled() -> None:
    cloud = make_cloud()
    build(cloud)
    spoken = {
        url.split("/")[2].removesuffix(".googleapis.com") for _, _, url, _ in cloud.project.log
    }
    assert spoken <= set(APIS)


def test_iam_accepts_the_names_of_the_accounts() -> None:
    for name in ("app", "data", "tasks", "scheduler", "build"):
        account = getattr(SETTINGS, f"{name}_account")
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account)


@pytest.mark.parametrize(
    ("stated", "advice"),
    [
        ({}, "PROJECT="),
        ({"PROJECT": "p", "REGION": "global"}, "--region="),
        ({"PROJECT": "p", "MODE": "one"}, "functions or api"),
        ({"PROJECT": "p", "MODE": "api", "OPERATORS": "user:a@b.c,group:g@b.c"}, "group:g@b.c"),
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


def test_an_empty_setting_has_its_default() -> None:
    assert read_settings({"PROJECT": "p", "CALLERS": "", "MODE": ""}) == Settings(project="p")


def test_make_setup_is_a_dry_run_by_default() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    assert "python -m deploy setup $(if $(APPLY),,--dry-run)" in makefile
