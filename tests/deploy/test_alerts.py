"""The alerts: files that Google accepts, on existing metrics, for lines that are logged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.cloud.logging_v2.types import LogMetric
from google.cloud.monitoring_v3 import AlertPolicy
from google.protobuf import json_format

from deploy.observability.alerts import METRICS, POLICIES
from functions.edge import endpoint
from lib.datastore import Results, UnreadableEntity, key, time_mark
from lib.saga.definition.context import Permanent
from lib.saga.definition.table import Definitions
from lib.saga.engine.engine import Engine
from lib.saga.engine.repository import SagaRepository
from lib.saga.engine.sweep.sweep import sweep
from lib.saga.state.records import DeadLetter
from lib.saga.testing import MemoryStore, VirtualClock
from tests.saga.bench import HeldQueue, Probe, make_saga
from tests.support.edge import call, greet_person, read_lines

METRIC_FILES = sorted(METRICS.glob("*.json"))
POLICY_FILES = sorted(POLICIES.glob("*.json"))
#: The names of metrics in filters and in PromQL.
USER_METRIC = re.compile(r"logging(?:\.googleapis\.com/user/|_googleapis_com:user_)([\w-]+)")


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def metrics_of(file: Path) -> set[str]:
    return {name.replace("_", "-") for name in USER_METRIC.findall(file.read_text())}


def matches(log_filter: str, line: dict[str, Any]) -> bool:
    """Return whether Cloud Logging would find a line of a Cloud Run service by a filter."""
    entry = {"resource.type": "cloud_run_revision"}
    entry |= {f"jsonPayload.{name}": value for name, value in line.items()}
    for comparison in log_filter.split(" AND "):
        field, operator, wanted = re.fullmatch(r"([\w.]+)(>=|=)(.+)", comparison).groups()  # type: ignore[union-attr]
        value, constant = entry.get(field), json.loads(wanted)
        if value is None or not (value >= constant if operator == ">=" else value == constant):
            return False
    return True


@pytest.mark.parametrize("file", METRIC_FILES, ids=lambda file: file.stem)
def test_cloud_logging_accepts_every_metric(file: Path) -> None:
    json_format.ParseDict(read(file), LogMetric.pb(LogMetric()))
    assert read(file)["name"] == file.stem


@pytest.mark.parametrize("file", POLICY_FILES, ids=lambda file: file.stem)
def test_cloud_monitoring_accepts_every_policy(file: Path) -> None:
    policy = json_format.ParseDict(read(file), AlertPolicy.pb(AlertPolicy()))
    assert len(policy.conditions) == 1
    assert policy.documentation.content


@pytest.mark.parametrize("file", POLICY_FILES, ids=lambda file: file.stem)
def test_every_policy_uses_existing_metrics(file: Path) -> None:
    assert metrics_of(file) <= {each.stem for each in METRIC_FILES}


def test_every_metric_is_for_an_alert() -> None:
    used = {name for file in POLICY_FILES for name in metrics_of(file)}
    assert used == {file.stem for file in METRIC_FILES}


def test_every_alert_that_code_logs_has_a_policy() -> None:
    assert {file.stem for file in POLICY_FILES} == {
        "saga-parked", "sagas-overdue", "error-rate", "sweep-absent", "caller-refused",
        "http-step-refused", "dead-letters", "unreadable-entity", "overruns",
    }  # fmt: skip


def condition_filter(name: str) -> str:
    condition = read(POLICIES / f"{name}.json")["conditions"][0]
    return str(condition["conditionMatchedLog"]["filter"])


def test_requests_and_errors_are_counted_by_the_lines_that_are_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("ann", "nobody", "bad"):
        call(greet_person, name)
    lines = read_lines(capsys)
    for metric, expected in (("amends-requests", [200, 404, 500]), ("amends-errors", [500])):
        log_filter = read(METRICS / f"{metric}.json")["filter"]
        found = [line["status"] for line in lines if matches(log_filter, line)]
        assert found == expected, metric


def test_a_sweep_that_succeeds_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    @endpoint("POST")
    def sweep_sagas(name: str) -> dict[str, str]:
        """Do nothing, with the sweep's name."""
        return {}

    call(sweep_sagas, "x")
    call(greet_person, "x")
    log_filter = read(METRICS / "amends-sweeps.json")["filter"]
    assert [matches(log_filter, line) for line in read_lines(capsys)] == [True, False, False]


def test_a_refused_caller_is_an_alert(capsys: pytest.CaptureFixture[str]) -> None:
    @endpoint("POST", invoker="tasks")
    def guarded(name: str) -> dict[str, str]:
        """Admit nobody."""
        return {}

    assert call(guarded, "x").status_code == 401
    found = [matches(condition_filter("caller-refused"), line) for line in read_lines(capsys)]
    assert found == [True, False]


def test_a_parked_saga_is_one_alert_that_names_it_and_its_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(_: Any) -> None:
        raise Permanent("no")

    probe, clock, queue = Probe(), VirtualClock(), HeldQueue()
    probe.on = {"b": refuse, "undo a": refuse}
    engine = Engine(
        Definitions([make_saga(probe)]), SagaRepository(MemoryStore(clock=clock)), queue, clock
    )
    engine.start("letters", "s1", {"n": 1})
    while queue.waiting:
        engine.deliver(queue.take())
    alert = condition_filter("saga-parked")
    parked = [each for each in read_lines(capsys) if matches(alert, each)]
    assert [(each["saga"], each["step"], each["severity"]) for each in parked] == [
        ("s1", "a", "ERROR")
    ]


def test_dead_letters_alert_for_as_long_as_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = VirtualClock()
    store = MemoryStore(clock=clock)
    engine = Engine(Definitions([]), SagaRepository(store), HeldQueue(), clock)
    for number in range(50):
        letter = DeadLetter(
            id=f"s{number}", name="letters", step="a", reason="no", sequence=1, alerted=True,
            created_at=clock.now, created_mark=time_mark(f"s{number}", clock.now),
        )  # fmt: skip
        store.insert(letter)
    sweep(engine, clock)
    for number in range(50):
        store.delete(key(DeadLetter, f"s{number}"))
    sweep(engine, clock)
    metric = read(METRICS / "amends-dead-letters.json")
    extracted = re.fullmatch(r"EXTRACT\(jsonPayload\.(\w+)\)", metric["valueExtractor"])
    assert extracted is not None
    lines = [line for line in read_lines(capsys) if matches(metric["filter"], line)]
    assert [line[extracted[1]] for line in lines] == [50, 0]
    condition = read(POLICIES / "dead-letters.json")["conditions"][0]["conditionThreshold"]
    assert (condition["comparison"], condition["thresholdValue"]) == ("COMPARISON_GT", 0)
    assert condition["aggregations"][0]["crossSeriesReducer"] == "REDUCE_MEAN"


def test_an_unreadable_entity_is_an_alert_that_names_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Results([], [UnreadableEntity(kind="K", key="K('a')", property="p", reason="K('a'): p is 5")])
    [line] = read_lines(capsys)
    assert matches(condition_filter("unreadable-entity"), line)
    assert line["entity"] == "K('a')"
