"""README and docs/develop.md, followed exactly in a fresh copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.ports import choose_port
from tests.docs.pages import PAGES, PROJECT, Block, find_blocks, read_paste
from tests.support.wait import wait_until

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".local", "__pycache__", ".*_cache", "*.sqlite*"
)
PATIENCE = timedelta(seconds=60)
BLOCKS = [*find_blocks("README.md"), *find_blocks("docs/develop.md")]


def paste(folder: Path, block: Block) -> None:
    """Paste a block where its first line says, like a reader."""
    found = read_paste(block)
    if found is None:
        return
    file = folder / found.path
    if found.table is None:
        file.write_text(found.code)
        return
    begin = f"\n{found.table} = {{\n"
    text = file.read_text()
    assert text.count(begin) == 1
    file.write_text(text.replace(begin, begin + found.code))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the project, with every block in the file that it names."""
    folder = tmp_path_factory.mktemp("fresh") / "amends"
    shutil.copytree(PROJECT, folder, ignore=LEFT_OUT)
    for block in BLOCKS:
        paste(folder, block)
    return folder


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)


def test_the_examples_are_short() -> None:
    kind, saga = (
        sum(len(block.code.strip().splitlines()) for block in BLOCKS if block.section == section)
        for section in ("Add a kind", "Add a saga")
    )
    assert kind < 60
    assert saga < 60
    assert len(PAGES["README.md"].splitlines()) < 260


def test_the_readme_shows_the_table_of_sagas_plus_the_new_saga(copy: Path) -> None:
    after = (copy / "domain/sagas.py").read_text()
    before = after.replace("from domain.trips import BOOK_TRIP\n", "").replace(", BOOK_TRIP", "")
    assert before == (PROJECT / "domain/sagas.py").read_text()


def test_pasted_blocks_pass_the_linter(copy: Path) -> None:
    pasted = {paste.path for block in BLOCKS if (paste := read_paste(block))}
    assert len(pasted) == 7
    shorter = "--extend-ignore=D1,S101,E731"  # an example has no docstrings
    checked = run_in(copy, sys.executable, "-m", "ruff", "check", shorter, *sorted(pasted))
    assert checked.returncode == 0, checked.stdout
    formatted = run_in(copy, sys.executable, "-m", "ruff", "format", "--check", *sorted(pasted))
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.skipif(not os.environ.get("LONG"), reason="mypy takes long: make test-long")
def test_the_examples_of_every_page_pass_mypy_strict(copy: Path) -> None:
    files = sorted({read.path for block in BLOCKS if (read := read_paste(block))} - {"main.py"})
    for page in ("docs/sagas.md", "docs/datastore.md"):
        file = f"tests/page_{Path(page).stem}.py"
        blocks = [b for b in find_blocks(page) if b.language == "python" and b.is_run]
        (copy / file).write_text("\n".join(block.code for block in blocks))
        files.append(file)
    checked = run_in(copy, sys.executable, "-m", "mypy", *files)
    assert checked.returncode == 0, checked.stdout


def test_its_tests_pass_as_printed_and_fail_without_the_compensation(copy: Path) -> None:
    [block] = [b for b in BLOCKS if b.section == "Add a saga" and b.code.startswith(".venv")]
    command = block.code.replace(".venv/bin/python", sys.executable).split()
    passed = run_in(copy, *command, "tests/test_stock.py")
    assert "3 passed" in passed.stdout, passed.stdout
    trips = copy / "domain/trips.py"
    sound = trips.read_text()
    trips.write_text(sound.replace(", compensate=return_seat", ""))
    failed = run_in(copy, *command, "-k", "no_seat_is_lost")
    trips.write_text(sound)
    assert "the invariant does not hold for a saga that is ROLLED_BACK" in failed.stdout


@pytest.fixture(scope="module")
def port(copy: Path) -> Iterator[int]:
    """The address where `make run` serves the copy."""
    port = choose_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "local", f"--port={port}", "--data=.local"],
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "is ready" in line:
                break
        else:
            pytest.fail("".join(said))
        yield port
    finally:
        process.terminate()
        process.wait(30)


def send(block: Block, port: int) -> list[Any]:
    """Run a block's curl lines in a shell; return each answer."""
    lines = [line for line in block.code.splitlines() if line]
    answers = []
    for line in lines:
        command = line.replace("localhost:8080", f"localhost:{port}")
        command = command.replace("curl ", "curl --silent --show-error --fail ")
        done = subprocess.run(["bash", "-c", command], text=True, capture_output=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        answers.append(read_last(done.stdout))
    return answers


def read_last(said: str) -> Any:
    """Return the last of the answers that one line prints."""
    answer, rest = None, said.strip()
    while rest:
        answer, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].strip()
    return answer


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_seat_is_taken_and_another_one_is_given_back(port: int) -> None:
    [block] = [b for b in BLOCKS if b.section == "Add a saga" and b.code.startswith("curl")]
    flight, trip, nowhere, *_ = send(block, port)
    assert (flight["seats"], trip["id"], nowhere["id"]) == (7, "trip-1", "trip-2")
    show_trips = [f"curl 'localhost:8080/get-saga?id={id}'" for id in ("trip-1", "trip-2")]
    looks = Block(block.page, block.section, "sh", "\n".join(show_trips), True)
    trips = wait_until(
        lambda: send(looks, port),
        lambda trips: all(each["status"] in ("COMPLETED", "ROLLED_BACK") for each in trips),
        PATIENCE,
    )
    assert [each["status"] for each in trips] == ["COMPLETED", "ROLLED_BACK"]
    assert [step["status"] for step in trips[1]["steps"]] == ["COMPENSATED", "FAILED"]
    assert trips[1]["error"] == "step room: there are no rooms in Atlantis"
    [left] = send(Block("", "", "sh", "curl 'localhost:8080/get-flight?id=AM1'", True), port)
    assert left["seats"] == 6


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_three_lines_place_an_order_and_show_that_it_completed(port: int) -> None:
    [block] = [b for b in BLOCKS if b.section == "Run it" and b.code.startswith("curl")]
    *_, order = wait_until(
        lambda: send(block, port),
        lambda answers: answers[-1]["status"] == "COMPLETED",
        PATIENCE,
    )
    assert order["id"] == "order-1"


def test_pasted_blocks_affect_only_the_copy(copy: Path) -> None:
    assert re.search(r'"set_flight"', (copy / "main.py").read_text())
    assert not re.search(r'"set_flight"', (PROJECT / "main.py").read_text())
