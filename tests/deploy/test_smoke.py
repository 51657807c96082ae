"""The smoke test: a saga on the staged revisions, with a token that the build may request."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deploy.__main__ import prepare
from deploy.cloud.client import Failed
from deploy.cloud_run.traffic import Traffic
from deploy.rollout.smoke import PATIENCE, SmokeFailed, try_next_revision
from main import FUNCTIONS
from tests.deploy.builds import build, put_beside
from tests.deploy.cloud import BUILD, IMAGE, SETTINGS, Cloud, make_cloud

FEW = ("run_saga_step", "sweep_sagas", "start_saga", "get_saga", "list_sagas")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    made = make_cloud()
    prepare(made, SETTINGS)
    put_beside(made)
    return made


def smoke(cloud: Cloud) -> str:
    return try_next_revision(cloud, SETTINGS, cloud.project.fetch)


def test_the_build_gets_its_token_by_its_only_permission_for_that(cloud: Cloud) -> None:
    """`gcloud auth print-identity-token --impersonate-service-account` needs another one."""
    assert "completed on the staged revisions" in smoke(cloud)
    asked = [url for _, method, url, _ in cloud.project.log if "iamcredentials" in url]
    assert asked
    assert all(url.endswith(":generateIdToken") for url in asked)
    account = f"projects/shop-1/serviceAccounts/{BUILD.partition(':')[2]}"
    assert not cloud.project.state.allows(BUILD, "iam.serviceAccounts.getAccessToken", account)


def test_it_calls_only_the_staged_revisions(cloud: Cloud) -> None:
    build(cloud)
    put_beside(cloud, f"{IMAGE}2")
    cloud.project.front.served.clear()
    smoke(cloud)
    staged = {name: Traffic.of(service).next for name, service in cloud.services.items()}
    served = {path: revision for revision, path, _ in cloud.project.front.served}
    assert served == {name: staged[name] for name in ("start-saga", "get-saga", "list-sagas")}


def break_account(cloud: Cloud) -> None:
    cloud.project.state.policies["projects/shop-1"].append((0.0, {"etag": "x", "bindings": []}))


def break_queue(cloud: Cloud) -> None:
    del cloud.project.state.resources["projects/shop-1/locations/europe-west1/queues/sagas"]


def break_right_to_enqueue(cloud: Cloud) -> None:
    cloud.project.state.policies["projects/shop-1/locations/europe-west1/queues/sagas"] = []


def break_right_to_act(cloud: Cloud) -> None:
    account = "amends-tasks@shop-1.iam.gserviceaccount.com"
    cloud.project.state.policies[f"projects/shop-1/serviceAccounts/{account}"] = []


def break_worker(cloud: Cloud) -> None:
    name = "projects/shop-1/locations/europe-west1/services/run-saga-step"
    cloud.project.state.policies[name] = []


def break_indexes(cloud: Cloud) -> None:
    made = cloud.project.state.made
    made.update(
        {name: cloud.now() + PATIENCE.total_seconds() for name in made if "/indexes/" in name}
    )


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (break_queue, "no cloudtasks.tasks.create"),
        (break_right_to_enqueue, "no cloudtasks.tasks.create"),
        (break_right_to_act, "no iam.serviceAccounts.actAs"),
        (break_worker, "no run.routes.invoke"),
        (break_indexes, "no matching index"),
    ],
)
def test_it_finds_what_would_stop_a_saga(
    cloud: Cloud, break_it: Callable[[Cloud], None], reason: str
) -> None:
    break_it(cloud)
    with pytest.raises(SmokeFailed, match=f"no traffic was moved, because .*: .*{reason}"):
        smoke(cloud)


def test_it_waits_for_a_new_binding_to_propagate(cloud: Cloud) -> None:
    cloud.project.front.served.clear()
    answers = iter([403, 404, 503, 0])

    def fetch(method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        status = next(answers, None)
        return (status, "not yet") if status is not None else cloud.project.fetch(
            method, url, token, body
        )  # fmt: skip

    try_next_revision(cloud, SETTINGS, fetch)


def test_a_saga_that_does_not_end_is_a_failure_in_time(cloud: Cloud) -> None:
    def fetch(method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        return (202, "{}") if method == "POST" else (200, '{"status": "RUNNING"}')

    began = cloud.now()
    with pytest.raises(SmokeFailed, match=r"no traffic was moved, because .* is RUNNING"):
        try_next_revision(cloud, SETTINGS, fetch)
    assert timedelta(seconds=cloud.now() - began) < PATIENCE + timedelta(seconds=30)


def test_a_missing_permission_for_a_token_is_named(cloud: Cloud) -> None:
    account = f"projects/shop-1/serviceAccounts/{BUILD.partition(':')[2]}"
    cloud.project.state.policies[account] = []
    with pytest.raises(Failed, match=r"403 .*iam.serviceAccounts.getOpenIdToken"):
        smoke(cloud)


def test_a_release_fails_if_the_database_accepts_a_stale_write(cloud: Cloud) -> None:
    said = "step hold-database: the database accepted a write with a stale base_version"
    answers = iter(
        ['{"status": "ROLLING_BACK"}', f'{{"status": "ROLLED_BACK", "error": "{said}"}}']
    )

    def fetch(method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        if method == "POST":
            return 202, "{}"
        return 200, next(answers)

    with pytest.raises(SmokeFailed, match=r"no traffic was moved.* is ROLLED_BACK: .*base_version"):
        try_next_revision(cloud, SETTINGS, fetch)
