"""The image without a container: what its Dockerfile makes from the submitted sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.stack.supervisor import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def list_uploads() -> list[str]:
    """Return the files that `gcloud builds submit` sends: those not in .gcloudignore."""
    done = subprocess.run(
        ["gcloud", "meta", "list-files-for-upload", "."],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def read_command() -> list[str]:
    """Return the command that the image runs."""
    stated = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    command: list[str] = json.loads(stated[0])
    return command


def read_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    stated = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    return dict(pair.split("=") for line in stated for pair in line.split())


def copy_sources(uploads: list[str], app: Path) -> None:
    """Do what the COPY lines do, using only the submitted files."""
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            found = [name for name in uploads if name == source or name.startswith(f"{source}/")]
            assert found, f"the image copies {source}, but it is not sent"
            for name in found:
                goal = app / (name if target == "./" else Path(target, *Path(name).parts[1:]))
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, goal)


def install(app: Path, venv: Path) -> None:
    """Install requirements.lock into a fresh environment, and compile the sources."""
    run(sys.executable, "-m", "venv", str(venv))
    python = str(venv / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--compile", "--require-hashes", "-r", str(app / "requirements.lock"))
    run(python, "-m", "compileall", "-q", str(app))


def run(*command: str) -> str:
    """Run a command and return its output; raise if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
