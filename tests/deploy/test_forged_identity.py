"""Deployed functions in their deployed environment, and callers with forged identities."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
import requests

from deploy.cloud_run.services import CloudRunService, describe_service, list_services
from local.host.ports import answers, choose_port
from local.stack import Stack
from local.stack.supervisor import PROJECT
from tests.deploy.cloud import IMAGE, SETTINGS, variables_of
from tests.http.test_identity import Signer
from tests.support.wait import wait_until
from tests.unit.edge.test_access import removed

GUARDED = ("sweep-sagas", "run-saga-step", "pause-saga")
OPERATOR = "olga@example.com"


def environment_of(service: CloudRunService, mode: str) -> dict[str, str]:
    settings = replace(SETTINGS, mode=mode, operators=f"user:{OPERATOR}")
    return variables_of(describe_service(service, settings, IMAGE))


@contextmanager
def start(
    service: CloudRunService, mode: str, stack: Stack
) -> Iterator[tuple[str, dict[str, str]]]:
    """Start a service with the image's command, on loopback; yield its address and environment."""
    port, deployed = choose_port(), environment_of(service, mode)
    process = subprocess.Popen(
        [os.path.join(os.path.dirname(sys.executable), "functions-framework")],
        cwd=PROJECT,
        env={
            **os.environ,
            **deployed,
            "DATASTORE_EMULATOR_HOST": stack.datastore_host,
            "AMENDS_TASKS_HOST": stack.tasks_host,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(port, "/robots.txt"))
        yield f"http://127.0.0.1:{port}", deployed
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.mark.parametrize("mode", ["functions", "api"])
def test_a_forged_sweep_step_and_pause_are_refused_in_the_deployed_environment(
    mode: str, stack: Stack, signer: Signer
) -> None:
    wanted = [*GUARDED, "api"] if mode == "api" else GUARDED
    services = [each for each in list_services(replace(SETTINGS, mode=mode)) if each.name in wanted]
    with ExitStack() as running:
        for service in services:
            url, deployed = running.enter_context(start(service, mode, stack))
            names = GUARDED if service.name == "api" else [service.name]
            for name in names:
                status, code = call_forged(f"{url}/{name}", deployed, signer)
                assert (status, code) == (403, "forbidden"), (service.name, name)
    assert len(services) == 3


def call_forged(url: str, deployed: dict[str, str], signer: Signer) -> tuple[int, str]:
    """Call as a member that IAM admits, with a token in the header that IAM ignores."""
    base = deployed["AMENDS_BASE_URL"]
    answers = [
        requests.post(
            url,
            json={"id": "order-1", "reason": "why not"},
            headers={
                "X-Serverless-Authorization": removed(signer, "mallory@example.com", base),
                "Authorization": removed(signer, victim, base),
            },
            timeout=30,
        )
        for victim in (
            OPERATOR,
            deployed["AMENDS_TASKS_SERVICE_ACCOUNT"],
            deployed["AMENDS_SCHEDULER_SERVICE_ACCOUNT"],
        )
    ]
    assert len({answer.status_code for answer in answers}) == 1
    return answers[0].status_code, answers[0].json()["code"]


def test_a_header_spelled_with_underscores_does_not_stand_for_the_checked_one(
    stack: Stack, signer: Signer
) -> None:
    service = next(each for each in list_services(SETTINGS) if each.name == "pause-saga")
    with start(service, "functions", stack) as (url, deployed):
        base = deployed["AMENDS_BASE_URL"]
        request = (
            f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n"
            f"Authorization: {removed(signer, 'mallory@example.com', base)}\r\n"
            f"X_Serverless_Authorization: {removed(signer, OPERATOR, base)}\r\n\r\n"
        )
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(request.encode())
            answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 403 " in head.splitlines()[0], answer
    assert b"forbidden" in body, json.dumps(answer.decode())
