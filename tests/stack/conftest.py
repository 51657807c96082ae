import contextlib
import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.stack.launcher import Launcher, copy_project

STAND_IN = """
import json, os, time

def api(request):
    if request.path == "/hang":
        time.sleep(60)
    if request.path == "/sweep-sagas":
        with open(os.environ["SWEEPS"], "a") as file:
            file.write(json.dumps(dict(request.headers)) + "\\n")
    return {"pid": os.getpid(), "parent": os.getppid(), "env": dict(os.environ)}

worker = api
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A stand-in for main.py that answers every path with data about itself."""
    path = tmp_path / "source" / "main.py"
    path.parent.mkdir()
    path.write_text(STAND_IN)
    return path


@dataclass
class Stacks:
    """Starts stacks of the stand-in, by default without a Datastore, and ends them."""

    folder: Path
    source: Path
    made: list[Stack] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def make(self, name: str = "data", **options: Any) -> Stack:
        env = {"DATASTORE_EMULATOR_HOST": "127.0.0.1:9", "SWEEPS": str(self.folder / "sweeps")}
        options = {"source": self.source, "env": env, "report": self.reports.append, **options}
        self.made.append(Stack(data=self.folder / name, **options))
        return self.made[-1]


@pytest.fixture
def stacks(tmp_path: Path, source: Path) -> Iterator[Stacks]:
    stacks = Stacks(tmp_path, source)
    yield stacks
    for stack in stacks.made:
        stack.stop()


def read_server(url: str, path: str = "/") -> dict[str, Any]:
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        answered: dict[str, Any] = json.load(answer)
    return answered


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    with contextlib.suppress(OSError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not Path("/proc").is_dir()
    return False


def is_dead(pid: int) -> bool:
    return not is_alive(pid)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture
def launchers() -> Iterator[list[Launcher]]:
    made: list[Launcher] = []
    yield made
    for launcher in made:
        launcher.stop()
