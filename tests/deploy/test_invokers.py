"""Who may call each service, and when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.__main__ import prepare
from deploy.cloud_run.invokers import apply_invokers, members_of
from deploy.cloud_run.services import SMOKE, SWEEP, WORKER, CloudRunService, list_services
from deploy.rollout import revisions
from deploy.rollout.smoke import SmokeFailed
from deploy.settings import Settings, Unusable, read_settings
from deploy.table import merge
from main import FUNCTIONS
from tests.deploy.builds import build, put_beside
from tests.deploy.cloud import BUILD, IMAGE, OWNER, SETTINGS, Cloud, make_cloud

TASKS = "serviceAccount:amends-tasks@shop-1.iam.gserviceaccount.com"
SCHEDULER = "serviceAccount:amends-scheduler@shop-1.iam.gserviceaccount.com"
CALLERS = {"user:ann@example.com", "group:ops@example.com"}
OPERATORS = {"user:olga@example.com"}
FEW = ("run_saga_step", "sweep_sagas", "start_saga", "get_saga", "list_sagas", "pause_saga")
SERVICE = "projects/shop-1/locations/europe-west1/services"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name in set(FUNCTIONS) - set(FEW):
        monkeypatch.delitem(FUNCTIONS, name)
    return make_cloud()


def members(target: str, settings: Settings = SETTINGS, **change: Any) -> set[str]:
    function = FUNCTIONS[target]._replace(**change)
    return set(members_of(CloudRunService(target, function, target.replace("_", "-")), settings))


def bind(cloud: Cloud, name: str, *bound: str) -> None:
    binding = {"role": "roles/run.invoker", "members": list(bound)}
    cloud.project.state.set_policy(f"{SERVICE}/{name}", {"bindings": [binding]})
    cloud.sleep(timedelta(minutes=1))


def test_each_service_admits_the_callers_that_the_table_names() -> None:
    assert members("count_sagas") == CALLERS
    assert members("pause_saga") == OPERATORS
    assert members(WORKER) == {TASKS}
    assert members(SWEEP) == {SCHEDULER}
    assert members("get_stock", invoker="public") == {"allUsers"}
    for target in SMOKE:
        assert members(target) == {*CALLERS, BUILD}


def test_a_shared_service_admits_only_callers_and_operators() -> None:
    api = CloudRunService("api", merge(FUNCTIONS.values()), "api")
    assert set(members_of(api, SETTINGS)) == {*CALLERS, *OPERATORS, BUILD}


@pytest.mark.parametrize("name", ["CALLERS", "OPERATORS", "SUBMITTERS"])
@pytest.mark.parametrize("member", ["allUsers", "AllUsers", "user:a@b.c, allAuthenticatedUsers"])
def test_all_users_is_refused_as_a_caller_with_advice(name: str, member: str) -> None:
    with pytest.raises(Unusable, match=f'{name} cannot be .*write invoker="public"'):
        read_settings({"PROJECT": "p", name: member})


@pytest.mark.parametrize(
    "member", ["ann@example.com", "users:ann@example.com", "user:", "User:a@b"]
)
def test_an_invalid_member_is_refused_before_anything_is_deployed(member: str) -> None:
    with pytest.raises(Unusable, match=r"not an IAM member: write user:ann@example\.com"):
        read_settings({"PROJECT": "p", "CALLERS": member})


def test_an_address_in_another_case_keeps_its_access_through_every_build(cloud: Cloud) -> None:
    """IAM stores addresses in lower case: SETTINGS names user:Ann@example.com."""
    for image in (IMAGE, IMAGE, f"{IMAGE}2", IMAGE):
        build(cloud, image)
        assert cloud.invokers("get-saga") >= CALLERS
    cloud.take_changes()
    apply_invokers(cloud, SETTINGS)
    assert cloud.take_changes() == []


def test_one_write_removes_former_callers_and_admits_new_ones(
    cloud: Cloud,
) -> None:
    build(cloud)
    bind(cloud, "pause-saga", "allUsers", "user:eve@example.com")
    cloud.take_changes()
    apply_invokers(cloud, SETTINGS)
    assert cloud.invokers("pause-saga") == OPERATORS
    assert len(cloud.take_changes()) == 1


def test_a_conditional_role_is_removed_too(cloud: Cloud) -> None:
    build(cloud)
    condition = {"title": "t", "expression": 'resource.name == "x"'}
    member = {"role": "roles/run.invoker", "members": ["user:eve@example.com"]}
    policy = {"version": 3, "bindings": [{**member, "condition": condition}]}
    cloud.project.state.set_policy(f"{SERVICE}/pause-saga", policy)
    apply_invokers(cloud, SETTINGS)
    assert cloud.invokers("pause-saga") == OPERATORS


def test_other_roles_on_a_service_are_left_alone(cloud: Cloud) -> None:
    build(cloud)
    viewer = {"role": "roles/run.viewer", "members": ["user:eve@example.com"]}
    cloud.project.state.set_policy(f"{SERVICE}/pause-saga", {"bindings": [viewer]})
    apply_invokers(cloud, SETTINGS)
    assert viewer in cloud.project.state.policy_of(f"{SERVICE}/pause-saga")["bindings"]


def test_a_new_function_has_no_callers_before_its_traffic_and_its_worker(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(cloud)
    monkeypatch.setitem(FUNCTIONS, "place_order", FUNCTIONS["start_saga"])
    put_beside(cloud, f"{IMAGE}2")
    assert cloud.invokers("place-order") == set()
    assert cloud.invokers("get-saga") >= CALLERS
    revisions.release(cloud, SETTINGS)
    apply_invokers(cloud, SETTINGS)
    assert cloud.invokers("place-order") == CALLERS


def test_only_the_build_can_call_a_first_deployment_that_failed(
    cloud: Cloud,
) -> None:
    cloud.project.front.answers = {"start-saga": 422}
    with pytest.raises(SmokeFailed, match="422"):
        build(cloud)
    everybody = {member for name in cloud.services for member in cloud.invokers(name)}
    assert everybody == {BUILD, TASKS}


def test_only_known_callers_are_admitted(cloud: Cloud) -> None:
    build(cloud)
    cloud.sleep(timedelta(minutes=1))
    root = "https://get-saga-123456789012.europe-west1.run.app"
    front = cloud.project.front
    assert front("GET", f"{root}/get-saga?id=x", f"user:ann@example.com for {root}", None)[0] == 200
    assert front("GET", f"{root}/get-saga?id=x", f"user:eve@example.com for {root}", None)[0] == 403
    other = root.replace("get-saga", "list-sagas")
    assert (
        front("GET", f"{root}/get-saga?id=x", f"user:ann@example.com for {other}", None)[0] == 403
    )


def test_a_policy_that_changes_meanwhile_is_read_again(cloud: Cloud) -> None:
    prepare(cloud, SETTINGS)
    put_beside(cloud)
    original, name = cloud.project.handle, f"{SERVICE}/pause-saga"
    viewer = {"role": "roles/run.viewer", "members": ["user:eve@example.com"]}

    def interfere(method: str, url: str, token: str, body: Any = None) -> Any:
        if url.endswith("pause-saga:setIamPolicy") and not cloud.project.state.policies.get(name):
            cloud.project.state.set_policy(name, {"bindings": [viewer]})
        return original(method, url, token, body)

    cloud.project.handle = interfere  # type: ignore[method-assign]
    apply_invokers(cloud, SETTINGS)
    assert cloud.invokers("pause-saga") == OPERATORS
    assert viewer in cloud.project.state.policy_of(name)["bindings"]


def test_operators_can_only_call_operators_functions(cloud: Cloud) -> None:
    build(cloud)
    assert cloud.invokers("pause-saga") == OPERATORS
    assert not OPERATORS & cloud.invokers("get-saga")
    build(cloud, settings=replace(SETTINGS, mode="api"))
    assert cloud.invokers("api") == {*CALLERS, *OPERATORS, BUILD}
    assert OWNER not in cloud.invokers("api")
    assert all(each.target in ("api", WORKER, SWEEP)
               for each in list_services(replace(SETTINGS, mode="api")))  # fmt: skip
