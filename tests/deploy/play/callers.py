"""Callers of what was deployed: an unknown one, a known one, and an impostor."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import requests

from deploy.cloud_run.services import url_of
from deploy.settings import PROJECT, Settings
from local.host.ports import answers, choose_port
from tests.deploy.cloud import variables_of
from tests.deploy.play.stage import Theatre
from tests.http.test_identity import Signer
from tests.support.wait import wait_until
from tests.unit.edge.test_access import removed

#: What only operators, Cloud Tasks and Cloud Scheduler may call.
GUARDED = ("pause-saga", "run-saga-step", "sweep-sagas")


def play_callers(cloud: Theatre, settings: Settings) -> None:
    """Call as each of them; raise AssertionError if one gets further than allowed."""
    cloud.sleep(timedelta(minutes=1))
    service = "api" if settings.mode == "api" else "get_saga"
    root = url_of(service, settings)
    for member, expected in (("user:ann@example.com", 200), ("user:eve@example.com", 403)):
        token = f"{member} for {root}"
        status, _ = cloud.project.front("GET", f"{root}/get-saga?id=x", token, None)
        print(f"  {status} GET {root}/get-saga as {member}")
        assert status == expected, member
    signer = Signer()
    for name in GUARDED:
        _forge(cloud, "api" if settings.mode == "api" else name, name, signer)
    if settings.mode == "api":
        for name in GUARDED[1:]:
            _forge(cloud, name, name, signer)


def _forge(cloud: Theatre, service: str, name: str, signer: Signer) -> None:
    """Call as a member that IAM admits, with a second token of another identity."""
    place = f"projects/shop-1/locations/europe-west1/services/{service}"
    deployed = variables_of(cloud.project.run.show(place))
    base = deployed["AMENDS_BASE_URL"]
    with start(deployed) as url:
        for victim in (
            "olga@example.com",
            deployed["AMENDS_TASKS_SERVICE_ACCOUNT"],
            deployed["AMENDS_SCHEDULER_SERVICE_ACCOUNT"],
        ):
            answer = requests.post(
                f"{url}/{name}",
                json={"id": "order-1", "reason": "why not"},
                headers={
                    "X-Serverless-Authorization": removed(signer, "mallory@example.com", base),
                    "Authorization": removed(signer, victim, base),
                },
                timeout=30,
            )
            print(f"  {answer.status_code} POST {service}/{name} as mallory who says {victim}")
            assert answer.status_code in (401, 403), answer.text


@contextmanager
def start(deployed: dict[str, str]) -> Iterator[str]:
    """Run the image's command in the deployed environment."""
    port = choose_port()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("functions-framework")],
        cwd=PROJECT,
        env={**os.environ, **deployed, "HOST": "127.0.0.1", "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(port, "/"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
