"""`make PYTHON=` uses that Python, and never an environment of another version."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack.supervisor import PROJECT

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", *(each.name for each in PROJECT.glob("requirements*"))):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def plan(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return the commands of make's dry run."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    command = ["make", "--dry-run", "test", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def make_venv(folder: Path, version: str) -> None:
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")


@pytest.mark.parametrize("version", ["3.9.1", f"{OURS}1.0"])
def test_another_python_gets_its_own_environment(folder: Path, version: str) -> None:
    make_venv(folder, version)
    planned = plan(folder, f"PYTHON={sys.executable}").stdout
    assert f"{sys.executable} -m venv .venv-{OURS}\n" in planned
    assert f".venv-{OURS}/bin/python -m pytest" in planned
    assert "\n.venv/" not in planned


def test_the_python_of_the_environment_runs_in_it(folder: Path) -> None:
    make_venv(folder, f"{OURS}.1")
    assert ".venv/bin/python -m pytest" in plan(folder, f"PYTHON={sys.executable}").stdout
    assert ".venv/bin/python -m pytest" in plan(folder).stdout


def test_a_python_that_does_not_run_is_refused(folder: Path) -> None:
    refused = plan(folder, "PYTHON=python3.999")
    assert refused.returncode
    assert "PYTHON=python3.999 does not run here" in refused.stderr
