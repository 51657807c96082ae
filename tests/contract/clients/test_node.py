"""Google's Node client works with the local Datastore: the results of node/smoke.js."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.cloud import datastore as stock
from google.cloud.datastore.query import PropertyFilter

from local.stack.supervisor import PROJECT
from tests.support.absences import do_without

SOURCE = Path(__file__).with_name("node")
CACHE = PROJECT / ".node-client"


@pytest.fixture(scope="module")
def output(emulator_host: str) -> dict[str, Any]:
    """The output of the script; the client is installed once, and again if its lock changes."""
    if shutil.which("npm") is None:
        do_without("node", "the Node client needs node and npm, which are not installed")
    _install()
    run = subprocess.run(
        ["node", "smoke.js"],
        cwd=CACHE,
        env=os.environ | {"DATASTORE_EMULATOR_HOST": emulator_host},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout)
    return seen


def _install() -> None:
    CACHE.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "smoke.js"):
        shutil.copy(SOURCE / name, CACHE)
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    installed = CACHE / "installed"
    if installed.exists() and installed.read_text() == lock:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    installed.write_text(lock)


def test_a_stored_entity_is_read_back(output: dict[str, Any]) -> None:
    path = ["Shelf", "s1", "Thing", "7"]
    assert output["putAndGet"] == {
        "text": "żółć",
        "whole": 42,
        "real": 2.5,
        "yes": True,
        "none": None,
        "list": [1, "two"],
        "nested": {"deep": {"er": 1}},
        "when": "2026-01-02T03:04:05.678Z",
        "bytes": [0, 255],
        "link": path,
        "missing": True,
        "keptItsKey": path,
    }


def test_a_query_filters_and_orders(output: dict[str, Any]) -> None:
    assert output["query"] == [1971, 1968, 1961]


def test_pages_continue_at_the_cursor(output: dict[str, Any]) -> None:
    assert output["pages"] == [[1971, 1968], [1961]]


def test_an_aggregation_counts_and_sums(output: dict[str, Any]) -> None:
    assert output["count"] == {"total": 3, "years": 5900}


def test_ids_are_allocated(output: dict[str, Any]) -> None:
    assert output["allocate"] == {"distinct": 4, "whole": True}


def test_one_of_two_conflicting_transactions_is_aborted(output: dict[str, Any]) -> None:
    assert output["conflict"] == {"n": 1, "refused": [10]}


def test_an_owner_is_found_by_node_and_by_python(
    output: dict[str, Any], emulator_host: str
) -> None:
    assert output["owners"] == ["node"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATASTORE_EMULATOR_HOST", emulator_host)
        client: Any = stock.Client(project="node-client")
    owner = client.key("Person", "amy")
    query = client.query(kind="Car")
    query.add_filter(filter=PropertyFilter("owner", "=", owner))
    (car,) = query.fetch()
    assert car["owner"] == owner
    assert car["seats"][0]["owner"] == owner


def test_refusals_have_the_codes_that_the_client_knows(output: dict[str, Any]) -> None:
    already_exists, failed_precondition = 6, 9
    assert output["refusals"] == [already_exists, failed_precondition]
