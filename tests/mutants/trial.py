"""One mutant at a time: a line of a copy is changed, and a quick test must fail."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]

#: The parts of the project that the quick tests need.
COPIED = (
    "lib",
    "domain",
    "functions",
    "local",
    "project_files",
    "tests/support",
    "tests/unit",
    "tests/saga",
    "demo",
    "main.py",
    "pyproject.toml",
    "index.yaml",
)

#: The tests that must fail; the fastest and most sensitive come first.
QUICK = (
    "tests/unit/saga/machine",
    "tests/unit/saga/engine",
    "tests/saga/test_inline.py",
    "tests/saga/test_pauses.py",
    "tests/saga/test_families.py",
    "tests/saga/test_looks.py",
    "tests/saga/test_rare_conflicts.py",
    "tests/saga/test_sweeping.py",
    "tests/saga/test_sweep_on.py",
    "tests/saga/test_refusals.py",
    "tests/unit/explore/test_single_run.py",
    "tests/unit/explore/test_broken.py",
    "tests/unit/explore/test_signals.py",
    "tests/unit/explore/test_unanswered.py",
    "tests/unit/explore/test_pauses.py",
    "tests/unit/explore/test_purge.py",
    "tests/unit/explore/test_looks.py",
    "tests/unit/explore/test_deployments.py",
    "tests/unit/explore/test_refusals.py",
    "tests/unit/saga/author_code",
    "tests/unit/saga/state",
    "tests/unit/saga",
    "tests/unit/explore/test_inline.py",
    "tests/unit/explore/test_faults.py",
    "tests/unit/explore/test_failures.py",
    "tests/unit/explore/test_shapes.py",
)

#: A mutant that takes this many times as long as the original loops, which counts as detected.
SLOWEST = 2
MIN_SECONDS = 60
MAX_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line of the engine or the machine, and its replacement."""

    file: str
    old: str
    new: str

    def change(self, text: str) -> str:
        """Return the changed text; raise ValueError unless the old line occurs exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.file} has {count} times, and not once: {self.old.strip()}")
        return text.replace(self.old, self.new)

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip()} -> {self.new.strip() or '(nothing)'}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for a mutant: the test that failed, "" for none, and the seconds it took."""

    mutant: Mutant
    killed_by: str
    seconds: float


class NoEnd(Exception):
    """The quick tests have not ended within their time."""


def check(mutant: Mutant) -> None:
    """Raise ValueError if the code has changed so that a mutant can no longer be made."""
    mutant.change((PROJECT / mutant.file).read_text())


def find_failure_without_mutant(*options: str) -> str:
    """Return the quick test that fails on a copy without a mutant; "" if all of them pass.

    A test that fails here would seem to detect every mutant. `options` are pytest's.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        return _find_failure(copy, MAX_SECONDS, *options)


def try_out(mutant: Mutant, seconds: float) -> Verdict:
    """Run the quick tests on a copy of the project with a mutant, within a time limit."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        changed = copy / mutant.file
        changed.write_text(mutant.change(changed.read_text()))
        try:
            killed_by = _find_failure(copy, seconds)
        except NoEnd as noticed:
            killed_by = str(noticed)
    return Verdict(mutant, killed_by, time.monotonic() - began)


def limit_seconds(without_mutant: float) -> float:
    """Return the time limit for the tests of a mutant, given their time without one."""
    return min(MAX_SECONDS, max(MIN_SECONDS, SLOWEST * without_mutant))


def _copy_to(folder: Path) -> None:
    for name in COPIED:
        source, target = PROJECT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "tests/__init__.py").touch()


def _find_failure(folder: Path, seconds: float, *more: str) -> str:
    """Return the first test that fails, "" if all pass. Raises NoEnd."""
    options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-m", "not slow"]
    command = [sys.executable, "-m", "pytest", *options, *more, *QUICK]
    pytest = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = pytest.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # The tests may have started processes, which hold the pipe open.
        os.killpg(pytest.pid, signal.SIGKILL)
        pytest.communicate()
        raise NoEnd(f"a timeout: no end within {seconds:.0f} s") from None
    failed = [line for line in printed.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if pytest.returncode and not failed:
        return f"pytest ended with {pytest.returncode}: {printed[-300:]}"
    return failed[0].partition(" - ")[0].split(maxsplit=1)[1] if failed else ""
