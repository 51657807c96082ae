"""Compiles and runs one configuration with spin and a C compiler."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from model.configuration import Configuration, Expectation

PROMELA = Path(__file__).parent / "promela"

#: The programs that a check needs, and the packages of Debian and Ubuntu that have them.
PACKAGES = {"spin": "spin", "gcc": "gcc libc6-dev"}

#: At most so many MiB may one configuration take.
MAX_MEMORY = 16_000

#: COLLAPSE compresses states without loss. BITSTATE would lose some: it is used nowhere.
FLAGS = ("-O1", "-w", "-DCOLLAPSE", f"-DMEMLIM={MAX_MEMORY}", "-DVECTORSZ=4096")

#: At most so many steps has a run.
MAX_DEPTH = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a check: `problem` is empty if nothing but what was expected.

    `error` is the promise that a schedule breaks; empty if none does. `megabytes` is the memory.
    """

    states: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    error: str = ""
    problem: str = ""


def find_missing() -> list[str]:
    """Return the packages to install before anything can be checked."""
    return [package for program, package in PACKAGES.items() if shutil.which(program) is None]


def check(configuration: Configuration) -> Report:
    """Explore a configuration; what it leaves behind is kept if it is not as expected."""
    folder = Path(tempfile.mkdtemp(prefix=f"model-{configuration.name}-"))
    for source in PROMELA.iterdir():
        shutil.copy(source, folder)
    report = _explore(configuration, folder)
    if not report.problem:
        shutil.rmtree(folder)
    return report


def _explore(configuration: Configuration, folder: Path) -> Report:
    defines = [f"-D{each}" for each in configuration.defines.split()]
    mode, option = ("-DNP", "-l") if configuration.liveness else ("-DSAFETY", "-n")
    for command in (
        ["spin", "-a", *defines, configuration.source],
        ["gcc", *FLAGS, mode, "-o", "pan", "pan.c"],
    ):
        done = _run(command, folder)
        if done.returncode:
            return Report(problem=f"{command[0]} failed in {folder}:\n{done.stdout}{done.stderr}")
    output = _run(["nice", "./pan", f"-m{MAX_DEPTH}", option], folder).stdout
    (folder / "pan.out").write_text(output)
    return judge(configuration, output, f"see {folder}; spin -t -p {' '.join(defines)} "
                 f"{configuration.source} shows the schedule")  # fmt: skip


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)  # noqa: S603


def judge(configuration: Configuration, output: str, hint: str = "") -> Report:
    """Return what pan's output says; a search that did not end is a problem too."""
    error = _find(r"pan:\d+: (.*?)(?: \(at depth \d+\))?$", output)
    whole = _find(r"errors: (\d+)", output) and not re.search(
        r"Search not completed|max search depth too small|MEMLIM bound", output
    )
    failed = configuration.expectation is Expectation.FAILS
    if not (error or whole):
        problem = f"the search did not end: {hint}"
    elif error and not failed:
        problem = f"{error}: {hint}"
    elif failed and not error:
        problem = f"the broken rule was not noticed: {hint}"
    else:
        problem = ""
    return Report(
        states=int(float(_find(r"([\d.e+]+) states, stored", output) or 0)),
        seconds=float(_find(r"elapsed time ([\d.]+)", output) or 0),
        megabytes=float(_find(r"([\d.]+)\s+total actual memory", output) or 0),
        error=error,
        problem=problem,
    )


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output, re.MULTILINE)
    return found.group(1).strip() if found else ""
