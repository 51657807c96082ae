"""A build against a project in memory: what is deployed, in what order, and what is not."""

from dataclasses import replace

import pytest

from deploy import rollout
from deploy.gcloud import Failed
from deploy.invokers import apply_invokers
from deploy.services import list_services
from deploy.settings import Settings, Unusable
from deploy.smoke import SmokeFailed, try_next_revision
from deploy.sweeping import apply_schedule
from main import FUNCTIONS
from tests.deploy.cloud import SETTINGS, Cloud

API = replace(SETTINGS, mode="api")


def build(
    cloud: Cloud, image: str = "i:1", settings: Settings = SETTINGS, status: int = 200
) -> None:
    """Do what the build's last steps do; the smoke test is answered with `status`."""
    rollout.stage(cloud, settings, image)
    apply_invokers(cloud, settings, list_services(settings.mode))
    times = iter(range(0, 10_000, 100))
    try_next_revision(
        cloud, settings, lambda *_: (status, "{}"), sleep=lambda _: None, clock=lambda: next(times)
    )
    rollout.release(cloud, settings)
    apply_schedule(cloud, settings)


def deployed_by(changes: list[str]) -> list[str]:
    return [line.split()[3] for line in changes if line.startswith("gcloud run deploy")]


def moved_by(changes: list[str]) -> list[str]:
    return [line.split()[4] for line in changes if "--to-tags" in line]


@pytest.mark.parametrize("settings", [SETTINGS, API], ids=["functions", "api"])
def test_building_again_changes_nothing(settings: Settings) -> None:
    cloud = Cloud()
    build(cloud, settings=settings)
    before = {name: cloud.serving(name) for name in cloud.services}
    cloud.take_changes()
    build(cloud, settings=settings)
    # The job is brought to what it is already.
    assert [line.split()[:5] for line in cloud.take_changes()] == [
        ["gcloud", "scheduler", "jobs", "update", "http"]
    ]
    assert {name: cloud.serving(name) for name in cloud.services} == before


def test_every_function_of_the_table_is_a_service() -> None:
    cloud = Cloud()
    build(cloud)
    assert set(cloud.services) == {name.replace("_", "-") for name in FUNCTIONS}


def test_in_the_other_mode_one_service_has_all_but_the_worker_and_the_sweep_beside_it() -> None:
    cloud = Cloud()
    build(cloud, settings=API)
    assert set(cloud.services) == {"api", "run-saga-step", "sweep-sagas"}


def test_a_new_image_is_tried_before_traffic_moves_to_it() -> None:
    cloud = Cloud()
    build(cloud)
    cloud.take_changes()
    rollout.stage(cloud, SETTINGS, "i:2")
    assert len(deployed_by(cloud.changes)) == len(FUNCTIONS)
    assert all("--no-traffic" in line for line in cloud.changes)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}
    rollout.release(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00002"}


def test_no_traffic_moves_when_the_smoke_test_fails() -> None:
    cloud = Cloud()
    build(cloud)
    with pytest.raises(SmokeFailed, match="answers 500, and no traffic was moved"):
        build(cloud, "i:2", status=500)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}


def test_no_traffic_moves_when_a_revision_does_not_start_and_it_is_tried_again_next_time() -> None:
    cloud = Cloud()
    build(cloud)
    cloud.broken = {"get-saga"}
    with pytest.raises(Failed):
        build(cloud, "i:2")
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}
    cloud.broken = set()
    build(cloud, "i:2")
    assert cloud.serving("get-saga").endswith("00003")


def test_what_runs_sagas_is_released_before_what_starts_them_and_rolled_back_after() -> None:
    cloud = Cloud()
    build(cloud)
    cloud.take_changes()
    build(cloud, "i:2")
    assert set(moved_by(cloud.take_changes())[:2]) == {"run-saga-step", "sweep-sagas"}
    rollout.roll_back(cloud, SETTINGS)
    assert set(moved_by(cloud.take_changes())[-2:]) == {"run-saga-step", "sweep-sagas"}
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}


def test_only_what_has_changed_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud()
    build(cloud)
    cloud.take_changes()
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(memory="1Gi"))
    build(cloud)
    changes = cloud.take_changes()
    assert deployed_by(changes) == moved_by(changes) == ["get-saga"]


def test_to_roll_back_is_to_go_back_one_release_for_every_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = Cloud()
    build(cloud)
    build(cloud, "i:2")
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(memory="1Gi"))
    build(cloud, "i:2")
    build(cloud, "i:2")
    rollout.roll_back(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00002"}


def test_a_release_that_was_broken_off_is_finished_by_the_next_build_and_can_be_undone() -> None:
    cloud = Cloud()
    build(cloud)
    cloud.stuck = {"get-saga"}
    with pytest.raises(Failed):
        build(cloud, "i:2")
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001", "00002"}
    cloud.stuck = set()
    build(cloud, "i:2")
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00002"}
    rollout.roll_back(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}


def test_a_release_that_was_broken_off_can_be_undone_at_once() -> None:
    cloud = Cloud()
    build(cloud)
    build(cloud, "i:2")
    cloud.stuck = {"get-saga"}
    with pytest.raises(Failed):
        build(cloud, "i:3")
    cloud.stuck = set()
    rollout.roll_back(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00002"}


def test_a_release_can_be_undone_after_a_later_build_that_failed_its_smoke_test() -> None:
    cloud = Cloud()
    build(cloud)
    build(cloud, "i:2")
    with pytest.raises(SmokeFailed):
        build(cloud, "i:3", status=500)
    rollout.roll_back(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00001"}


def test_nothing_is_undone_when_it_is_not_sure_what_the_last_release_was() -> None:
    cloud = Cloud()
    build(cloud)
    build(cloud, "i:2")
    cloud.services["get-saga"]["status"]["traffic"].append(
        {"tag": "before-other", "revisionName": "get-saga-00001"}
    )
    with pytest.raises(Unusable, match="build again"):
        rollout.roll_back(cloud, SETTINGS)
    assert {cloud.serving(name)[-5:] for name in cloud.services} == {"00002"}


def test_somebody_elses_service_is_not_replaced_unless_it_is_said_that_it_may_be() -> None:
    cloud = Cloud()
    cloud.services["get-saga"] = {"metadata": {"name": "get-saga"}, "status": {}}
    with pytest.raises(Unusable, match="--update-labels=amends-release=replace"):
        build(cloud)
    assert cloud.changes == []
    cloud.services["get-saga"] = {
        "metadata": {"name": "get-saga", "labels": {"amends-release": "replace"}},
        "status": {"traffic": [{"percent": 100, "revisionName": "theirs"}]},
        "count": 0,
    }
    build(cloud)
    assert cloud.serving("get-saga") == "get-saga-00001"


def test_a_service_that_has_left_the_table_is_named_and_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = Cloud()
    build(cloud)
    monkeypatch.delitem(FUNCTIONS, "get_credit")
    cloud.services["somebody-elses"] = {"metadata": {"name": "x"}, "status": {}}
    assert rollout.find_leftovers(cloud, SETTINGS) == ["get-credit"]


def test_the_smoke_test_asks_the_staged_revision_with_a_token_for_the_service() -> None:
    cloud, asked = Cloud(), []

    def fetch(url: str, token: str) -> tuple[int, str]:
        asked.append((url, token))
        return (403, "not yet") if len(asked) < 3 else (200, "{}")

    try_next_revision(cloud, SETTINGS, fetch, sleep=lambda _: None, clock=lambda: 0.0)
    root = "count-sagas-123456789012.europe-west1.run.app"
    assert asked == [(f"https://next---{root}/count-sagas", "a-token")] * 3
    assert f"--audiences=https://{root}" in cloud.said[-1]
