"""The contents of the image; in `make test-image`, each function starts and answers in it."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from deploy.rollout.image import find_sources, name_image
from local.host.ports import choose_port
from local.stack import Stack
from local.stack.supervisor import PROJECT
from main import FUNCTIONS
from tests.deploy.cloud import SETTINGS
from tests.deploy.layout import (
    copy_sources,
    install,
    list_uploads,
    read_command,
    read_environment,
    run,
)
from tests.deploy.lint import needs_gcloud

ALL = [*FUNCTIONS, "api"]


@dataclass(frozen=True)
class Layout:
    """The image's two folders: /app, and its Python environment."""

    app: Path
    venv: Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "app", tmp_path / "venv")
    copy_sources(list_uploads(), made.app)
    install(made.app, made.venv)
    return made


@contextmanager
def start(layout: Layout, target: str, stack: Stack) -> Iterator[str]:
    """Start the image's command for one function, on loopback."""
    port = choose_port()
    program, *arguments = read_command()
    process = subprocess.Popen(
        [layout.venv / "bin" / program, *arguments],
        cwd=layout.app,
        env={
            "PATH": os.environ["PATH"],
            **read_environment(),
            "FUNCTION_TARGET": target,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATASTORE_EMULATOR_HOST": stack.datastore_host,
            "AMENDS_TASKS_HOST": stack.tasks_host,
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def send_request(url: str, method: str) -> requests.Response:
    """Call until there is an answer."""
    ends = time.monotonic() + 60
    while True:
        try:
            return requests.request(method, url, timeout=60)
        except requests.ConnectionError:
            assert time.monotonic() < ends
            time.sleep(0.05)


@needs_gcloud
@pytest.mark.skipif(not os.environ.get("LONG"), reason="it takes a minute: make test-image")
def test_each_function_starts_in_the_image_and_answers(layout: Layout, stack: Stack) -> None:
    frozen = run(str(layout.venv / "bin" / "python"), "-m", "pip", "freeze")
    assert read_pins(frozen) == read_pins((PROJECT / "requirements.txt").read_text())

    def try_function(target: str) -> tuple[str, int, str]:
        method = FUNCTIONS[target].method if target in FUNCTIONS else "GET"
        with start(layout, target, stack) as url:
            answer = send_request(f"{url}/", method)
        return target, answer.status_code, answer.headers["Content-Type"]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(try_function, ALL))
    assert len(answers) == len(ALL)
    for target, status, content_type in answers:
        # The call has no input: a function that needs some says so, and others succeed.
        assert status in (200, 400, 401, 404, 422), target
        expected = "application/json" if status == 200 else "application/problem+json"
        assert content_type == expected, target
    assert ("count_sagas", 200, "application/json") in answers or "count_sagas" not in ALL


def read_pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@needs_gcloud
def test_the_image_has_no_tests_stand_ins_or_deployment_code(tmp_path: Path) -> None:
    copy_sources(list_uploads(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "main.py", "functions", "domain", "lib", "requirements.lock", "requirements-telemetry.lock",
    }  # fmt: skip


def test_docker_gets_only_what_the_image_copies() -> None:
    given = re.findall(r"^!(.+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (.+) \S+$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert sorted(given) == sorted(name for names in copied for name in names.split())


@needs_gcloud
def test_the_submitted_sources_have_no_local_data_or_environment() -> None:
    uploads = list_uploads()
    assert {"main.py", "tests/conftest.py", ".dockerignore", "deploy/__main__.py"} <= set(uploads)
    assert not [name for name in uploads if re.match(r"\.(git|venv|local|ci)/|.*\.pyc$", name)]


def test_the_image_has_a_new_name_if_its_sources_change(tmp_path: Path) -> None:
    for source in find_sources():
        copy = tmp_path / source.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    first = name_image(SETTINGS, tmp_path)
    assert first == name_image(SETTINGS, PROJECT)
    (tmp_path / "README.md").write_text("changed")
    assert name_image(SETTINGS, tmp_path) == first
    assert name_image(replace(SETTINGS, otlp_endpoint="http://c"), tmp_path) != first
    (tmp_path / "lib" / "paging.py").write_text("changed = 1")
    second = name_image(SETTINGS, tmp_path)
    (tmp_path / "lib" / "paging.py").rename(tmp_path / "lib" / "pages.py")
    assert len({first, second, name_image(SETTINGS, tmp_path)}) == 3
