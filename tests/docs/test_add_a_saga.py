"""The README's worked example: a new saga with a failing step, as a developer would add it."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.caller import Caller
from lib.datastore import Id, Store, Version, connect, entity, key
from local.parts import list_parts
from local.ports import choose_port
from local.stack import Stack
from local.supervisor import PROJECT

README = (PROJECT / "README.md").read_text()
SECTION = README.split("## Add a saga")[1].split("\n## ")[0]
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", SECTION, re.DOTALL))
TABLE = re.findall(r"`(DEFINITIONS = .*?)`", SECTION)[0]
BODY = re.findall(r"`(\{\"name\".*?)`", SECTION)[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example in it."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("lib", "domain", "functions"):
        shutil.copytree(PROJECT / name, folder / name)
    shutil.copy(PROJECT / "main.py", folder)
    (folder / "tests").mkdir()
    for name, code in FILES.items():
        (folder / name).write_text(code)
    sagas = (folder / "domain/sagas.py").read_text()
    sagas = re.sub(r"DEFINITIONS = .*", f"from domain.trips import BOOK_TRIP\n\n{TABLE}", sagas)
    (folder / "domain/sagas.py").write_text(sagas)
    return folder


def test_the_example_is_short() -> None:
    code = "".join(FILES.values()) + TABLE
    assert len([line for line in code.splitlines() if line.strip()]) < 50


def test_its_test_passes_and_fails_without_the_compensation(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    passed = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert "2 passed" in passed.stdout, passed.stdout
    trips = project / "domain/trips.py"
    sound = trips.read_text()
    trips.write_text(sound.replace(", compensate=return_seat", ""))
    failed = subprocess.run(command, cwd=project, capture_output=True, text=True)
    trips.write_text(sound)
    assert "the invariant does not hold of a saga that is ROLLED_BACK" in failed.stdout


@entity(kind="Flight")
@dataclass(slots=True, kw_only=True)
class Flight:
    """The example's own kind, as this process sees it."""

    id: Id[str]
    seats: int
    version: Version = 0


@pytest.fixture
def url(project: Path, stack: Stack) -> Iterator[str]:
    """The example's functions beside the other ones, on the same Datastore and Cloud Tasks."""
    port = choose_port()
    [functions] = [part for part in list_parts(stack.plan) if part.name == "functions"]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "functions_framework", "--target=api", "--host=127.0.0.1",
         f"--port={port}"],
        cwd=project,
        env={**functions.env, "AMENDS_BASE_URL": url},
    )  # fmt: skip
    yield url
    process.terminate()
    process.wait(10)


def test_the_seat_is_taken_and_given_back(url: str, stack: Stack) -> None:
    store = Store(connect(project=stack.project, emulator_host=stack.datastore_host))
    store.upsert(Flight(id="AM1", seats=7))
    caller = Caller(url)
    saga = caller.call("POST", "start-saga", json=json.loads(BODY))
    ends = time.monotonic() + 60
    while saga["status"] != "ROLLED_BACK":
        assert time.monotonic() < ends, saga
        time.sleep(0.05)
        saga = caller.call("GET", "get-saga", params={"id": saga["id"]})
    assert saga["error"] == "step room: there is no room in Atlantis"
    assert [step["status"] for step in saga["steps"]] == ["COMPENSATED", "FAILED"]
    assert store.get(key(Flight, "AM1")).seats == 7
