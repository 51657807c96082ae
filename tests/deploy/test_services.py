"""What a service is deployed as, and who may call it."""

import inspect
import re
from dataclasses import replace
from typing import Any

import pytest

import lib.config
import main
from deploy.invokers import apply_invokers, members_of
from deploy.services import SMOKE, SWEEP, WORKER, Service, describe_deployment, list_services
from main import FUNCTIONS, Function
from tests.deploy.cloud import SETTINGS, Cloud

TASKS = "serviceAccount:amends-tasks@shop-1.iam.gserviceaccount.com"
SCHEDULER = "serviceAccount:amends-scheduler@shop-1.iam.gserviceaccount.com"
BUILD = "serviceAccount:amends-build@shop-1.iam.gserviceaccount.com"
CALLERS = {"user:ann@example.com", "group:ops@example.com"}


def service(target: str, **change: Any) -> Service:
    return Service(target, FUNCTIONS[target]._replace(**change))


def environment(target: str, **change: str) -> dict[str, str]:
    settings = replace(SETTINGS, **change)
    flags = describe_deployment(service(target), settings, "i:1")
    stated = next(flag for flag in flags if flag.startswith("--set-env-vars="))
    assert stated.startswith("--set-env-vars=^|^")
    return dict(pair.split("=", 1) for pair in stated.removeprefix("--set-env-vars=^|^").split("|"))


def test_a_service_has_its_functions_own_time_out_and_memory() -> None:
    flags = describe_deployment(service("get_saga", timeout=90, memory="1Gi"), SETTINGS, "i:1")
    assert {"--image=i:1", "--timeout=95", "--memory=1Gi"} <= set(flags)
    assert environment("get_saga")["AMENDS_TIMEOUT_SECONDS"] == "60"


def test_every_variable_that_is_set_is_one_that_somebody_reads() -> None:
    read = set(re.findall(r'env\("(\w+)"', inspect.getsource(lib.config)))
    frameworks = {"FUNCTION_TARGET", "THREADS"}
    assert set(environment("get_saga")) <= read | frameworks


def test_every_google_setting_without_a_local_default_is_stated() -> None:
    stated = environment("get_saga", queue_count="2")
    assert stated["AMENDS_QUEUES"] == "sagas,sagas-2"
    assert stated["AMENDS_WORKER_URL"] == "https://run-saga-step-123456789012.europe-west1.run.app"
    assert stated["AMENDS_BASE_URL"] == "https://get-saga-123456789012.europe-west1.run.app"
    assert stated["AMENDS_TASKS_SERVICE_ACCOUNT"] == TASKS.removeprefix("serviceAccount:")
    assert stated["AMENDS_SCHEDULER_SERVICE_ACCOUNT"] == SCHEDULER.removeprefix("serviceAccount:")
    for local in ("DATASTORE_EMULATOR_HOST", "AMENDS_TASKS_HOST", "AMENDS_ALLOW_FAULTS"):
        assert local not in stated


def test_finished_sagas_are_left_to_the_ttl_policies_that_the_build_has_made() -> None:
    stated = environment("get_saga", retention_days="30")
    assert stated["AMENDS_RETENTION_DAYS"] == "30"


def test_the_default_database_has_no_name_in_the_api() -> None:
    assert environment("get_saga")["AMENDS_DATABASE"] == ""
    assert environment("get_saga", database="orders")["AMENDS_DATABASE"] == "orders"


def test_an_exporter_is_configured_only_where_asked() -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert name not in environment("get_saga")
    assert environment("get_saga", otlp_endpoint="http://c:4318")[name] == "http://c:4318"


def test_only_google_reaches_the_machinery() -> None:
    for each in list_services("functions"):
        flags = describe_deployment(each, SETTINGS, "i:1")
        internal = each.target in (WORKER, SWEEP)
        assert ("--ingress=internal" in flags) is internal
        assert ("--ingress=all" in flags) is not internal


@pytest.mark.parametrize("mode", ["functions", "api"])
def test_every_service_is_private(mode: str) -> None:
    for each in list_services(mode):
        assert "--no-allow-unauthenticated" in describe_deployment(each, SETTINGS, "i:1")
        assert "allUsers" not in members_of(each, SETTINGS)


def test_a_function_is_public_when_the_table_says_so() -> None:
    public = service("get_stock", invoker="public")
    assert "--allow-unauthenticated" in describe_deployment(public, SETTINGS, "i:1")
    assert members_of(public, SETTINGS) == {"allUsers"}


def test_each_service_may_be_called_by_those_that_the_table_names() -> None:
    assert members_of(service("get_saga"), SETTINGS) == CALLERS
    assert members_of(service(WORKER), SETTINGS) == {TASKS}
    assert members_of(service(SWEEP), SETTINGS) == {SCHEDULER}
    settings = replace(SETTINGS, operators="user:olga@example.com")
    assert members_of(service("get_saga"), settings) == CALLERS
    assert members_of(service("resolve_saga"), settings) == {"user:olga@example.com"}
    api = Service("api", Function("functions.api", ""))
    assert members_of(api, settings) == {*CALLERS, "user:olga@example.com", BUILD}
    assert members_of(service(SMOKE), SETTINGS) == {*CALLERS, BUILD}


def test_whoever_is_no_longer_to_call_is_unbound() -> None:
    cloud = Cloud()
    cloud.invokers = {"get-saga": {"allUsers", "user:ann@example.com"}}
    apply_invokers(cloud, SETTINGS, [service("get_saga")])
    assert cloud.invokers["get-saga"] == CALLERS


def test_what_the_smoke_test_reads_is_a_read() -> None:
    assert main.FUNCTIONS[SMOKE].method == "GET"
    assert main.FUNCTIONS[SMOKE].invoker == "caller"


def test_a_token_without_a_signature_is_believed_only_where_iam_lets_nobody_else_in() -> None:
    assert environment("run_saga_step")["AMENDS_BEHIND_IAM"] == "1"
    flags = describe_deployment(service("get_saga", invoker="public"), SETTINGS, "i:1")
    assert "--allow-unauthenticated" in flags
    assert not any("AMENDS_BEHIND_IAM" in flag for flag in flags)
