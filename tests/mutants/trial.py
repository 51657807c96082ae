"""One mutant at a time: a line of a copy is changed, and the quick tests have to notice."""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]

#: What the quick tests need of the project.
COPIED = (
    "lib",
    "domain",
    "functions",
    "local",
    "project_files",
    "tests/support",
    "tests/unit",
    "main.py",
    "pyproject.toml",
    "index.yaml",
)

#: The tests that have to notice; those that notice most come first.
QUICK = (
    "tests/unit/saga",
    "tests/unit/explore/test_single_run.py",
    "tests/unit/explore/test_broken.py",
    "tests/unit/explore/test_signals.py",
    "tests/unit/explore/test_unanswered.py",
    "tests/unit/explore/test_pauses.py",
    "tests/unit/explore/test_purge.py",
    "tests/unit/explore/test_looks.py",
    "tests/unit/explore/test_deployments.py",
    "tests/unit/explore/test_refusals.py",
    "tests/unit/explore/test_faults.py",
    "tests/unit/explore/test_failures.py",
    "tests/unit/explore/test_shapes.py",
)

#: A mutant that runs for so many seconds goes round in circles, and that is noticed too.
MAX_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line of the engine or the machine, and what is put in its place."""

    file: str
    old: str
    new: str

    def change(self, text: str) -> str:
        """Return the changed text; raise ValueError unless the old line is there exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file} has {count} times, and not once: {self.old.strip()}")
        return text.replace(self.old, self.new)

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip()} -> {self.new.strip() or '(nothing)'}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: the test that noticed it, "" for none, and the seconds it took."""

    mutant: Mutant
    killed_by: str
    seconds: float


def check(mutant: Mutant) -> None:
    """Raise ValueError where the code has changed so that a mutant cannot be made any more."""
    mutant.change((PROJECT / mutant.file).read_text())


def find_failure_without_mutant(*options: str) -> str:
    """Return the quick test that fails on a copy without a mutant; "" if all of them pass.

    A test that fails here would seem to notice every mutant. `options` are pytest's.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        return _find_failure(copy, *options)


def try_out(mutant: Mutant) -> Verdict:
    """Run the quick tests on a copy of the project with a mutant in it."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        changed = copy / mutant.file
        changed.write_text(mutant.change(changed.read_text()))
        killed_by = _find_failure(copy)
    return Verdict(mutant, killed_by, time.monotonic() - began)


def _copy_to(folder: Path) -> None:
    for name in COPIED:
        source, target = PROJECT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "tests/__init__.py").touch()


def _find_failure(folder: Path, *more: str) -> str:
    """Return the first test that fails, "" where all of them pass."""
    options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-m", "not slow"]
    command = [sys.executable, "-m", "pytest", *options, *more, *QUICK]
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=MAX_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end within {MAX_SECONDS} s"
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if ran.returncode and not failed:
        return f"pytest ended with {ran.returncode}: {ran.stdout[-300:]}{ran.stderr[-300:]}"
    return failed[0].partition(" - ")[0].split(maxsplit=1)[1] if failed else ""
