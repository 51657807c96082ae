"""Functions as separate services, as when deployed: the worker has another address."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo.caller import Caller
from lib.config import config
from local.host.ports import answers, choose_port
from local.stack import Stack
from local.stack.parts import list_settings
from local.stack.supervisor import PROJECT
from tests.support.wait import wait_until


@contextmanager
def start(target: str, port: int, stack: Stack, log: Path, worker: str = "") -> Iterator[str]:
    """Start one function on the stack's Datastore and Cloud Tasks; yield its address."""
    url = f"http://127.0.0.1:{port}"
    own = {"AMENDS_BASE_URL": url, "AMENDS_WORKER_URL": worker or url}
    settings = {**os.environ, **list_settings(stack.plan), **own}
    command = [sys.executable, "-m", "functions_framework", f"--target={target}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            cwd=PROJECT,
            env=settings,
            stdout=output,
        )
        try:
            wait_until(lambda: answers(port, "/robots.txt"))
            yield url
        finally:
            process.terminate()
            process.wait(60)


def test_a_saga_started_elsewhere_runs_on_the_worker(
    stack: Stack, caller: Caller, tmp_path: Path
) -> None:
    caller.call("PUT", "set-stock", json={"sku": "far", "units": 1})
    caller.call("PUT", "set-credit", json={"customer_id": "far", "available_cents": 1})
    order = {
        "id": "far-away",
        "customer_id": "far",
        "lines": [{"sku": "far", "quantity": 1, "unit_price_cents": 1}],
        "address": {"name": "Ann", "street": "1 High St", "city": "Leeds", "country": "GB"},
    }
    log = tmp_path / "worker.log"
    with (
        start("run_saga_step", choose_port(), stack, log) as worker,
        start("place_order", choose_port(), stack, log.with_name("edge"), worker) as url,
    ):
        assert requests.post(url, json=order, timeout=60).status_code == 202
        wait_until(
            lambda: caller.call("GET", "get-order", params={"id": "far-away"})["status"],
            lambda status: status == "COMPLETED",
        )
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [line for line in lines if line.get("saga") == "far-away" and "method" in line]
    assert len(steps) >= 4
    assert {line["function"] for line in steps} == {"run-saga-step"}


def test_with_one_service_the_worker_is_that_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMENDS_BASE_URL", "https://one.example")
    config.cache_clear()
    try:
        assert config().worker_url == "https://one.example"
    finally:
        config.cache_clear()
