"""One function by itself, as it is deployed: functions-framework and a target, nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from local.host.ports import answers, choose_port
from local.stack import Stack
from local.stack.supervisor import PROJECT
from tests.support.wait import wait_until


@pytest.fixture
def url(stack: Stack) -> Iterator[str]:
    port = choose_port()
    script = os.path.join(os.path.dirname(sys.executable), "functions-framework")
    process = subprocess.Popen(
        [script, "--target=create_task_list", "--host=127.0.0.1", f"--port={port}"],
        cwd=PROJECT,
        env={**os.environ, "DATASTORE_EMULATOR_HOST": stack.datastore_host},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(port, "/robots.txt"))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_a_single_function_serves_itself_and_no_other(url: str) -> None:
    body = {"id": f"l{uuid4().hex}", "name": "Home"}
    assert requests.post(url, json=body, timeout=30).status_code == 201
    assert requests.post(f"{url}/create-task-list", json=body, timeout=30).status_code == 409
    assert requests.get(url, timeout=30).status_code == 405
