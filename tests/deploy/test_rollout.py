"""A build on a strict fake project: what is deployed, in which order, and what is not."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.cloud.client import Failed
from deploy.rollout import revisions
from deploy.rollout.smoke import SmokeFailed
from deploy.settings import Settings, Unusable
from main import FUNCTIONS
from tests.deploy.builds import build, deployed_by, moved_by, put_beside
from tests.deploy.cloud import IMAGE, OWNER, SETTINGS, Cloud, make_cloud
from tests.deploy.project import tables
from tests.deploy.project.state import Refused

API = replace(SETTINGS, mode="api")
SECOND, THIRD = f"{IMAGE}2", f"{IMAGE}3"
MACHINERY = {"run-saga-step", "sweep-sagas"}


FEW = (
    "run_saga_step", "sweep_sagas", "start_saga", "get_saga", "list_sagas", "pause_saga",
    "set_stock", "get_credit",
)  # fmt: skip


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Return a project for a table of a few functions, at least one of each kind."""
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    return make_cloud()


def serving(cloud: Cloud) -> dict[str, str]:
    return {name: cloud.serving(name) for name in cloud.services}


@pytest.mark.parametrize("settings", [SETTINGS, API], ids=["functions", "api"])
def test_building_again_deploys_nothing_and_moves_nothing(cloud: Cloud, settings: Settings) -> None:
    build(cloud, settings=settings)
    before = serving(cloud)
    cloud.take_changes()
    build(cloud, settings=settings)
    # Resources that cannot be compared are written again, without a change.
    assert [line.split()[1:4] for line in cloud.take_changes()] == [
        ["datastore", "indexes", "create"],
        ["tasks", "queues", "update"],
        ["scheduler", "jobs", "update"],
    ]
    assert serving(cloud) == before


def test_every_function_of_the_table_is_a_service() -> None:
    cloud = make_cloud()
    build(cloud)
    assert set(cloud.services) == {name.replace("_", "-") for name in FUNCTIONS}


def test_in_api_mode_one_service_has_all_but_the_worker_and_the_sweep(cloud: Cloud) -> None:
    build(cloud, settings=API)
    assert set(cloud.services) == {"api", *MACHINERY}


def test_a_new_image_is_tested_before_traffic_moves_to_it(cloud: Cloud) -> None:
    build(cloud)
    first = serving(cloud)
    cloud.take_changes()
    put_beside(cloud, SECOND)
    assert len(deployed_by(cloud.changes)) == len(FUNCTIONS)
    assert serving(cloud) == first
    revisions.release(cloud, SETTINGS)
    assert not set(serving(cloud).values()) & set(first.values())


def test_no_traffic_moves_when_the_smoke_test_fails(cloud: Cloud) -> None:
    build(cloud)
    first = serving(cloud)
    cloud.project.front.answers = {"start-saga": 422}
    with pytest.raises(SmokeFailed, match=r"no traffic was moved, because .* answered 422"):
        build(cloud, SECOND)
    assert serving(cloud) == first


def test_a_revision_that_does_not_start_gets_no_traffic_and_is_retried_next_time(
    cloud: Cloud,
) -> None:
    build(cloud)
    first = serving(cloud)
    cloud.project.run.broken = {"get-saga"}
    with pytest.raises(Failed, match=r"get-saga is deployed: failed: .*failed to start"):
        build(cloud, SECOND)
    assert serving(cloud) == first
    cloud.project.run.broken = set()
    build(cloud, SECOND)
    assert (
        cloud.serving("get-saga") == cloud.service("get-saga")["latestReadyRevision"].split("/")[-1]
    )
    assert cloud.serving("get-saga") != first["get-saga"]


@pytest.mark.parametrize("settings", [SETTINGS, API], ids=["functions", "api"])
def test_a_first_deployment_that_was_never_ready_is_continued(
    cloud: Cloud, settings: Settings
) -> None:
    cloud.project.run.broken = {"run-saga-step", "api", "get-saga"}
    with pytest.raises(Failed, match="failed to start"):
        build(cloud, settings=settings)
    assert "latestReadyRevision" not in cloud.service("run-saga-step")
    cloud.project.run.broken = set()
    build(cloud, SECOND, settings)
    assert all(serving(cloud).values())


def test_a_service_with_only_latest_is_adopted(cloud: Cloud) -> None:
    """gcloud, and an earlier version of this build, leave all traffic on LATEST."""
    build(cloud)
    name = "projects/shop-1/locations/europe-west1/services/get-saga"
    latest = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}]
    cloud.project.run.patch(name, {"traffic": latest}, {"updateMask": "traffic"}, OWNER)
    first = cloud.serving("get-saga")
    put_beside(cloud, SECOND)
    assert cloud.serving("get-saga") == first
    build(cloud, SECOND)
    assert cloud.serving("get-saga") != first


def test_the_worker_is_released_first_and_rolled_back_last(
    cloud: Cloud,
) -> None:
    build(cloud)
    first = serving(cloud)
    put_beside(cloud, SECOND)
    cloud.take_changes()
    revisions.release(cloud, SETTINGS)
    marked, moved = moved_by(cloud.changes)[: len(first)], moved_by(cloud.changes)[len(first) :]
    assert set(marked) == set(moved) == set(first)
    assert set(moved[:2]) == MACHINERY
    cloud.take_changes()
    revisions.roll_back(cloud, SETTINGS)
    assert set(moved_by(cloud.take_changes())[-2:]) == MACHINERY
    assert serving(cloud) == first


def test_only_what_has_changed_is_deployed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    build(cloud)
    cloud.take_changes()
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(memory="1Gi"))
    build(cloud)
    changes = cloud.take_changes()
    assert deployed_by(changes) == ["get-saga"]
    assert moved_by(changes)[-1] == "get-saga"


def test_a_rollback_goes_back_one_release_for_every_service(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(cloud)
    build(cloud, SECOND)
    second = serving(cloud)
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(memory="1Gi"))
    build(cloud, SECOND)
    build(cloud, SECOND)
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == second


def test_a_rollback_needs_no_mode(cloud: Cloud) -> None:
    build(cloud, settings=API)
    first = serving(cloud)
    build(cloud, SECOND, settings=API)
    revisions.roll_back(cloud, SETTINGS)  # MODE has its default
    assert serving(cloud) == first


def test_a_rollback_leaves_services_of_another_mode_alone(cloud: Cloud) -> None:
    build(cloud)
    build(cloud, SECOND)
    build(cloud, SECOND, settings=API)
    build(cloud, THIRD, settings=API)
    functions = {name: cloud.serving(name) for name in cloud.services if name not in MACHINERY}
    del functions["api"]
    revisions.roll_back(cloud, SETTINGS)
    assert {name: cloud.serving(name) for name in functions} == functions


def test_a_rollback_without_an_earlier_release_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(Unusable, match="nothing was rolled back"):
        revisions.roll_back(cloud, SETTINGS)
    build(cloud)
    with pytest.raises(Unusable, match="nothing was rolled back"):
        revisions.roll_back(cloud, SETTINGS)


def test_an_interrupted_release_is_finished_by_the_next_build(
    cloud: Cloud,
) -> None:
    build(cloud)
    first = serving(cloud)
    cloud.project.run.stuck = {"get-saga"}
    with pytest.raises(Failed, match="get-saga"):
        build(cloud, SECOND)
    assert set(serving(cloud).values()) & set(first.values())
    cloud.project.run.stuck = set()
    build(cloud, SECOND)
    assert not set(serving(cloud).values()) & set(first.values())
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == first


def test_an_interrupted_release_can_be_rolled_back_at_once(cloud: Cloud) -> None:
    build(cloud)
    build(cloud, SECOND)
    second = serving(cloud)
    cloud.project.run.stuck = {"get-saga"}
    with pytest.raises(Failed, match="get-saga"):
        build(cloud, THIRD)
    cloud.project.run.stuck = set()
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == second


def test_a_release_can_be_rolled_back_after_a_later_failed_build(
    cloud: Cloud,
) -> None:
    build(cloud)
    first = serving(cloud)
    build(cloud, SECOND)
    cloud.project.front.answers = {"start-saga": 422}
    with pytest.raises(SmokeFailed, match="422"):
        build(cloud, THIRD)
    revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == first


def test_nothing_is_rolled_back_if_the_last_release_is_uncertain(cloud: Cloud) -> None:
    build(cloud)
    build(cloud, SECOND)
    second = serving(cloud)
    name = "projects/shop-1/locations/europe-west1/services/get-saga"
    for target in cloud.project.state.find(name)["traffic"]:
        if target.get("tag", "").startswith("before-"):
            target["tag"] = "before-other"
    with pytest.raises(Unusable, match="build again"):
        revisions.roll_back(cloud, SETTINGS)
    assert serving(cloud) == second


def test_a_foreign_service_is_replaced_only_if_allowed(
    cloud: Cloud,
) -> None:
    build(cloud)
    state = cloud.project.state
    name = "projects/shop-1/locations/europe-west1/services/get-saga"
    state.find(name)["labels"] = {"theirs": "yes"}
    cloud.take_changes()
    with pytest.raises(Unusable, match="--update-labels=amends-release=replace"):
        put_beside(cloud, SECOND)
    assert cloud.changes == []
    state.find(name)["labels"] = {"amends-release": "replace"}
    build(cloud)


def test_a_removed_service_is_named_and_left_alone(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(cloud)
    monkeypatch.delitem(FUNCTIONS, "get_credit")
    state = cloud.project.state
    other = "projects/shop-1/locations/europe-west1/services/somebody-elses"
    state.put(other, {"name": other})
    assert revisions.find_obsolete(cloud, SETTINGS) == ["get-credit"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("timeout", "10s"), ("memory", "2Gi"), ("variable", "x"), ("ingress", "INGRESS_TRAFFIC_ALL")],
)
def test_the_next_build_corrects_a_setting_changed_by_hand(
    cloud: Cloud, field: str, value: str
) -> None:
    """Even if the manual change kept the label and the revision's name."""
    build(cloud)
    service = cloud.project.state.find(
        "projects/shop-1/locations/europe-west1/services/run-saga-step"
    )
    container = service["template"]["containers"][0]
    if field == "memory":
        container["resources"]["limits"]["memory"] = value
    elif field == "variable":
        container["env"].append({"name": "EXTRA", "value": value})
    else:
        (service if field == "ingress" else service["template"])[field] = value
    cloud.take_changes()
    build(cloud)
    assert deployed_by(cloud.take_changes()) == ["run-saga-step"]
    build(cloud)
    assert deployed_by(cloud.take_changes()) == []


def test_the_next_build_replaces_a_revision_made_by_hand(cloud: Cloud) -> None:
    build(cloud)
    name = "projects/shop-1/locations/europe-west1/services/get-saga"
    found = cloud.project.state.find(name)
    template = {**found["template"], "revision": "get-saga-00042-xyz"}
    cloud.project.run.patch(name, {"template": template}, {"updateMask": "template"}, OWNER)
    cloud.sleep(timedelta(minutes=1))
    cloud.take_changes()
    build(cloud)
    assert deployed_by(cloud.take_changes()) == ["get-saga"]
    assert re.fullmatch(r"get-saga-[0-9a-f]{8}-[0-9a-f]{4}", cloud.serving("get-saga"))


def test_a_service_whose_iam_check_is_off_stops_the_release(cloud: Cloud) -> None:
    build(cloud)
    first = serving(cloud)
    put_beside(cloud, SECOND)
    cloud.project.state.find("projects/shop-1/locations/europe-west1/services/set-stock")[
        "invokerIamDisabled"
    ] = True
    with pytest.raises(Unusable, match="the IAM check of set-stock is disabled"):
        revisions.release(cloud, SETTINGS)
    assert serving(cloud) == first
    build(cloud, SECOND)
    assert "invokerIamDisabled" not in cloud.service("set-stock")


def test_a_quota_of_writes_slows_a_build_down_and_does_not_end_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "RUN_WRITES", 3)
    build(cloud)
    build(cloud, SECOND)
    refused = [status for *_, status in cloud.project.log if status == 429]
    assert refused
    assert all(serving(cloud).values())


def test_a_release_continues_after_a_concurrent_write_to_a_service(cloud: Cloud) -> None:
    build(cloud)
    put_beside(cloud, SECOND)
    conflict = Refused(409, "ABORTED", "Conflict for resource 'get-saga': version 7 was specified")
    cloud.project.faults = [(re.compile("PATCH .*services/get-saga"), conflict)] * 2
    revisions.release(cloud, SETTINGS)
    assert cloud.project.faults == []


@pytest.mark.parametrize("after", range(1, 70, 6))
def test_an_interrupted_first_build_is_continued(cloud: Cloud, after: int) -> None:
    spoken: list[str] = []
    original = cloud.project.handle

    def break_off(
        method: str, url: str, token: str, body: object = None
    ) -> tuple[int, dict[str, object]]:
        spoken.append(url)
        if len(spoken) == after:
            return 400, {"error": {"status": "CANCELLED", "message": "the build was cancelled"}}
        return original(method, url, token, body)

    cloud.project.handle = break_off  # type: ignore[method-assign]
    with pytest.raises(Failed, match="cancelled"):
        build(cloud)
    build(cloud)
    assert all(serving(cloud).values())
    cloud.take_changes()
    build(cloud)
    assert deployed_by(cloud.take_changes()) == []


def test_a_service_names_its_commit_but_another_commit_alone_does_not_deploy_it(
    cloud: Cloud,
) -> None:
    first, second = "a" * 40, "b" * 40
    build(cloud, settings=replace(SETTINGS, commit=first))
    assert cloud.service("get-saga")["labels"]["amends-commit"] == first
    cloud.take_changes()
    build(cloud, settings=replace(SETTINGS, commit=second))
    assert deployed_by(cloud.take_changes()) == []
    build(cloud, SECOND, replace(SETTINGS, commit=second))
    assert cloud.service("get-saga")["labels"]["amends-commit"] == second
