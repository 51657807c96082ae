"""The form in which a service is deployed."""

import inspect
import re
from dataclasses import replace
from typing import Any

import pytest

import lib.config
import main
from deploy.cloud_run.comparison import agrees
from deploy.cloud_run.services import (
    SMOKE,
    SWEEP,
    WORKER,
    CloudRunService,
    describe_service,
    list_services,
)
from deploy.rollout.smoke import PROBE
from deploy.settings import Settings, Unusable
from deploy.table import MAX_NAME, account_of
from domain.sagas import DEFINITIONS
from main import FUNCTIONS, Function
from tests.deploy.cloud import IMAGE, SETTINGS, variables_of

TASKS = "amends-tasks@shop-1.iam.gserviceaccount.com"
SCHEDULER = "amends-scheduler@shop-1.iam.gserviceaccount.com"


def service(target: str, **change: Any) -> CloudRunService:
    return CloudRunService(target, FUNCTIONS[target]._replace(**change), target.replace("_", "-"))


def describe(target: str, settings: Settings = SETTINGS, **change: Any) -> dict[str, Any]:
    return describe_service(service(target, **change), settings, IMAGE)


def environment(target: str, **change: str) -> dict[str, str]:
    return variables_of(describe(target, replace(SETTINGS, **change)))


def test_a_service_has_its_functions_own_time_out_and_memory() -> None:
    template = describe("get_saga", timeout=90, memory="1Gi")["template"]
    assert template["timeout"] == "95s"
    assert template["containers"][0]["image"] == IMAGE
    assert template["containers"][0]["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert environment("get_saga")["AMENDS_TIMEOUT_SECONDS"] == "60"


def test_every_variable_that_is_set_is_read() -> None:
    read = set(re.findall(r'env\("(\w+)"', inspect.getsource(lib.config)))
    frameworks = {"FUNCTION_TARGET", "THREADS"}
    assert set(environment("pause_saga")) <= read | frameworks


def test_every_setting_without_a_local_default_is_set() -> None:
    stated = environment("get_saga", queue_count="2")
    assert stated["AMENDS_QUEUES"] == "sagas,sagas-2"
    assert stated["AMENDS_WORKER_URL"] == "https://run-saga-step-123456789012.europe-west1.run.app"
    assert stated["AMENDS_BASE_URL"] == "https://get-saga-123456789012.europe-west1.run.app"
    assert stated["AMENDS_TASKS_SERVICE_ACCOUNT"] == TASKS
    assert stated["AMENDS_SCHEDULER_SERVICE_ACCOUNT"] == SCHEDULER
    for local in ("DATASTORE_EMULATOR_HOST", "AMENDS_TASKS_HOST", "AMENDS_ALLOW_FAULTS"):
        assert local not in stated


def test_the_queues_are_where_cloud_tasks_is_and_the_services_where_they_are() -> None:
    stated = environment("get_saga", region="europe-north1", tasks_region="europe-west1")
    assert stated["AMENDS_LOCATION"] == "europe-west1"
    assert ".europe-north1." in stated["AMENDS_WORKER_URL"]


def test_finished_sagas_are_kept_for_the_configured_time() -> None:
    assert environment("get_saga", retention_days="30")["AMENDS_RETENTION_DAYS"] == "30"


def test_the_default_database_has_no_name_in_the_api() -> None:
    assert environment("get_saga")["AMENDS_DATABASE"] == ""
    assert environment("get_saga", database="orders")["AMENDS_DATABASE"] == "orders"


def test_an_exporter_is_configured_only_on_request() -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert name not in environment("get_saga")
    assert environment("get_saga", otlp_endpoint="http://c:4318")[name] == "http://c:4318"


def test_only_google_can_call_the_worker_and_the_sweep() -> None:
    for each in list_services(SETTINGS):
        internal = each.target in (WORKER, SWEEP)
        stated = describe_service(each, SETTINGS, IMAGE)["ingress"]
        assert stated == f"INGRESS_TRAFFIC_{'INTERNAL_ONLY' if internal else 'ALL'}"


@pytest.mark.parametrize("mode", ["functions", "api"])
def test_every_service_asks_iam_about_its_callers(mode: str) -> None:
    settings = replace(SETTINGS, mode=mode)
    for each in list_services(settings):
        assert describe_service(each, settings, IMAGE)["invokerIamDisabled"] is False


def test_an_unsigned_token_is_accepted_only_behind_iam() -> None:
    assert environment("run_saga_step")["AMENDS_BEHIND_IAM"] == "1"
    assert "AMENDS_BEHIND_IAM" not in variables_of(describe("get_saga", invoker="public"))


def test_the_functions_and_the_saga_of_the_smoke_test_exist() -> None:
    assert all(FUNCTIONS[name].invoker == "caller" for name in SMOKE)
    assert PROBE in {name for name, _ in DEFINITIONS}


# The table


def test_a_function_whose_service_could_never_be_released_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MAX_NAME == 31
    monkeypatch.setitem(FUNCTIONS, "a" * 31, FUNCTIONS["get_saga"])
    list_services(SETTINGS)
    monkeypatch.setitem(FUNCTIONS, "a" * 32, FUNCTIONS["get_saga"])
    with pytest.raises(Unusable, match=r"32 characters, more than the 31"):
        list_services(SETTINGS)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"env": {"A-B": "1"}}, "not a valid name of an environment variable"),
        ({"env": {"AMENDS_BEHIND_IAM": "1"}}, "the deployment sets"),
        ({"env": {"PORT": "1"}}, "the deployment sets"),
        ({"secrets": {"KEY": "payments"}}, '"KEY": "name:version"'),
        ({"secrets": {"KEY": "payments:0"}}, '"KEY": "name:version"'),
        ({"env": {"KEY": "1"}, "secrets": {"KEY": "k:1"}}, "in env and in secrets"),
        ({"invoker": "anybody"}, "invoker is one of public, caller"),
    ],
)
def test_a_function_with_undeployable_settings_is_refused(
    change: dict[str, Any], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(**change))
    with pytest.raises(Unusable, match=advice) as refusal:
        list_services(SETTINGS)
    assert str(refusal.value).startswith("get_saga: ")


def test_a_function_has_its_own_variables_and_its_secrets() -> None:
    stated = describe("get_saga", env={"LIMIT": "3"}, secrets={"KEY": "payments-key:7"})
    listed = {each["name"]: each for each in stated["template"]["containers"][0]["env"]}
    assert listed["LIMIT"]["value"] == "3"
    reference = {"secret": "payments-key", "version": "7"}
    assert listed["KEY"] == {"name": "KEY", "valueSource": {"secretKeyRef": reference}}


def test_functions_of_a_shared_service_have_the_same_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = replace(SETTINGS, mode="api")
    for name, value in (("get_saga", "1"), ("set_stock", "1")):
        monkeypatch.setitem(FUNCTIONS, name, FUNCTIONS[name]._replace(env={"LIMIT": value}))
    api = next(each for each in list_services(settings) if each.target == "api")
    assert variables_of(describe_service(api, settings, IMAGE))["LIMIT"] == "1"
    changed = FUNCTIONS["get_saga"]._replace(env={"LIMIT": "2"})
    monkeypatch.setitem(FUNCTIONS, "get_saga", changed)
    list_services(SETTINGS)
    with pytest.raises(Unusable, match="LIMIT cannot be both"):
        list_services(settings)


def test_functions_that_start_no_saga_cannot_create_tasks() -> None:
    starts = {name for name in FUNCTIONS if account_of(name, SETTINGS) == "amends-app"}
    assert starts == {
        "start_saga", "signal_saga", "cancel_saga", "pause_saga", "resume_saga", "retry_saga",
        "skip_saga_step", "void_saga_step", "park_saga", "resolve_saga", "operate_sagas",
        "run_saga_step", "sweep_sagas", "place_order",
    }  # fmt: skip
    for name in ("get_saga", "create_task"):
        account = describe(name)["template"]["serviceAccount"]
        assert account == "amends-data@shop-1.iam.gserviceaccount.com"
    assert account_of("api", SETTINGS) == "amends-app"


def test_a_table_entry_accepts_only_known_fields() -> None:
    assert Function("m", "GET").env == Function("m", "GET").secrets == {}
    assert main.FUNCTIONS["sweep_sagas"].timeout == 180


# The comparison


@pytest.mark.parametrize(
    ("stated", "found", "same"),
    [
        ({"cpu": "1"}, {"cpu": "1000m"}, True),
        ({"cpu": "1"}, {"cpu": "2"}, False),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, True),
        ({"memory": "1Gi"}, {"memory": "1G"}, False),
        ({"timeout": "65s"}, {"timeout": "65.000s"}, True),
        ({"off": False, "text": ""}, {}, True),
        ({"off": False}, {"off": True}, False),
        ({"a": 1}, {"a": 1, "more": 2}, True),
        ({"l": [{"name": "a"}, {"name": "b"}]}, {"l": [{"name": "b"}, {"name": "a"}]}, True),
        ({"l": [{"name": "a"}]}, {"l": [{"name": "a"}, {"name": "b"}]}, False),
        ({"l": [{"name": "a"}]}, {}, False),
    ],
)
def test_a_resource_is_compared_in_its_apis_spelling(
    stated: dict[str, Any], found: dict[str, Any], same: bool
) -> None:
    assert agrees(stated, found) is same
