"""`python -m deploy.saga_check`: would a deployment strand sagas?"""

import os
import subprocess
import sys

import pytest

from domain.orders.saga import ORDER_PROCESSING
from lib.datastore import connect
from lib.saga.definition.table import Definitions
from lib.saga.operators.compatibility import find_stranded
from local.stack.supervisor import PROJECT
from tests.saga.bench import Bench, Probe, make_saga, start


def test_unfinished_sagas_whose_definition_is_declared_are_not_stranded(
    bench: Bench, probe: Probe
) -> None:
    start(bench)
    definitions = Definitions([make_saga(probe, version=2, names=("z",)), make_saga(probe)])
    assert find_stranded(bench.store, definitions) == []


def test_missing_and_changed_versions_are_reported_with_their_sagas(
    bench: Bench, probe: Probe
) -> None:
    for number in range(3):
        start(bench, f"s{number}")
    bench.deliver()
    gone = find_stranded(bench.store, Definitions([make_saga(probe, version=2)]))
    assert [(each.status, each.count) for each in gone] == [("PENDING", 2), ("RUNNING", 1)]
    assert all("not declared" in each.reason for each in gone)
    changed = find_stranded(bench.store, Definitions([make_saga(probe, names=("a", "z"))]))
    assert all("give the new steps a new version" in each.reason for each in changed)


def test_finished_sagas_need_no_definition(bench: Bench) -> None:
    start(bench)
    bench.run_to_end()
    assert find_stranded(bench.store, Definitions([])) == []


def run_check(host: str, project: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATASTORE_EMULATOR_HOST": host, "GOOGLE_CLOUD_PROJECT": project}
    return subprocess.run(
        [sys.executable, "-m", "deploy.saga_check"],
        cwd=PROJECT, env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("strands", [False, True])
def test_the_command_exits_with_1_if_a_deployment_would_strand_a_saga(
    host: str, probe: Probe, strands: bool
) -> None:
    project = f"check-{strands}".lower()
    bench = Bench(connect(project=project, emulator_host=host), make_saga(probe))
    if strands:
        start(bench)
    ended = run_check(host, project)
    assert ended.returncode == (1 if strands else 0), ended.stderr
    wanted = "1 PENDING sagas: letters version 1 is not declared"
    assert wanted in ended.stdout if strands else ORDER_PROCESSING.name in ended.stdout


def test_the_command_exits_with_2_if_it_cannot_tell() -> None:
    ended = run_check("127.0.0.1:9", "nowhere")
    assert ended.returncode == 2
    assert "cannot be read" in ended.stderr
