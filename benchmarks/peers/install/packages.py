"""Installs peers into a folder that git ignores: from PyPI, npm and Debian, nothing system-wide."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_REQUIREMENTS = Path(__file__).with_name("requirements")
_RESTATE = "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server"
#: Seconds that one installer may take.
_PATIENCE = 600


class NotInstalled(Exception):
    """A peer cannot be installed here; the message says why."""


def install_python(name: str, folder: Path) -> Path:
    """Return an interpreter with the packages of requirements/NAME.txt; NotInstalled if none."""
    requirements = _REQUIREMENTS / f"{name}.txt"
    home, mark = folder / name, folder / name / requirements.name
    if not mark.exists() or mark.read_text() != requirements.read_text():
        _run(sys.executable, "-m", "venv", str(home))
        _run(str(home / "bin/python"), "-m", "pip", "install", "-q", "-r", str(requirements))
        shutil.copy(requirements, mark)
    return home / "bin/python"


def install_restate(folder: Path) -> dict[str, str]:
    """Return the variable that names Restate's server, from npm."""
    home = folder / "restate-server"
    if not (home / _RESTATE).exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(_REQUIREMENTS / "restate.json", home / "package.json")
        _run("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=home)
    if not (home / _RESTATE).exists():
        raise NotInstalled(f"npm brought no {_RESTATE}")
    return {"RESTATE_SERVER": str(home / _RESTATE)}


def install_redis(folder: Path) -> dict[str, str]:
    """Return the variables by which redis-server is found: this machine's own, or Debian's."""
    if shutil.which("redis-server"):
        return {}
    home = folder / "debian"
    root = home / "root"
    if not (root / "usr/bin/redis-server").exists():
        home.mkdir(parents=True, exist_ok=True)
        packages = (_REQUIREMENTS / "debian.txt").read_text().split()
        _run("apt-get", "download", *packages, cwd=home)
        for package in home.glob("*.deb"):
            _run("dpkg", "-x", str(package), str(root))
    libraries = ":".join(str(each) for each in root.glob("usr/lib/*-linux-gnu"))
    return {
        "PATH": f"{root / 'usr/bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": libraries,
    }


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotInstalled(f"{command[0]}: {problem}") from problem
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotInstalled(f"{' '.join(command[:3])} ...: {''.join(last)}")
