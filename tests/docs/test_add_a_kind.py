"""The README's worked example: a new kind in less than 40 lines, as a developer would add it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.ports import choose_port
from local.stack import Stack
from local.supervisor import PROJECT

README = (PROJECT / "README.md").read_text()
SECTION = README.split("## Add a kind")[1].split("\n## ")[0]
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", SECTION, re.DOTALL))
LINES = re.findall(r"```python\n(\"create_note\".*?)```", SECTION, re.DOTALL)[0]


def test_the_example_is_short() -> None:
    code = "".join(FILES.values()) + LINES
    assert len([line for line in code.splitlines() if line.strip()]) < 40


@pytest.fixture
def url(stack: Stack, tmp_path: Path) -> Iterator[str]:
    for folder in ("lib", "domain", "functions"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    for name, code in FILES.items():
        (tmp_path / name).write_text(code)
    table = (PROJECT / "main.py").read_text().replace("FUNCTIONS = {", f"FUNCTIONS = {{\n{LINES}")
    (tmp_path / "main.py").write_text(table)
    port = choose_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "functions_framework", "--target=api", "--host=127.0.0.1",
         f"--port={port}"],
        cwd=tmp_path,
        env={**os.environ, "DATASTORE_EMULATOR_HOST": stack.datastore_host},
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_the_example_works_as_printed(url: str) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            created = requests.post(f"{url}/create-note", json={"text": "hi"}, timeout=30)
            break
        except requests.ConnectionError:
            assert time.monotonic() < ends
            time.sleep(0.05)
    assert created.status_code == 201, created.text
    note = created.json()
    assert (note["text"], note["pinned"]) == ("hi", False)
    got = requests.get(f"{url}/get-note", params={"id": note["id"]}, timeout=30)
    assert got.json() == note
    wrong = requests.post(f"{url}/create-note", json={"text": "hi", "x": 1}, timeout=30)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "x")
