"""gcloud's own linter, which needs no login and no network."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.absences import may_lack

needs_gcloud = pytest.mark.skipif(
    shutil.which("gcloud") is None and may_lack("gcloud"), reason="gcloud is not installed"
)


def find_faults(lines: Sequence[str], folder: Path) -> list[str]:
    """Return gcloud's linter messages for each command; `folder` is for the linter's own files.

    It checks commands and flags, but not values.
    """
    lines = list(dict.fromkeys(lines))  # gcloud gives one verdict for equal lines
    commands = folder / "commands.json"
    commands.write_text(
        json.dumps(
            [{"command_string": line, "id": str(number)} for number, line in enumerate(lines)]
        )
    )
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={commands}", "--serialize"],
        env={
            **os.environ,
            "CLOUDSDK_CONFIG": str(folder / "gcloud"),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts = json.loads(done.stdout)
    assert len(verdicts) == len(lines)
    return [
        f"{lines[int(number)]}: {verdict['error_message']}"
        for number, [verdict] in verdicts.items()
        if not verdict["success"]
    ]


def find_commands(script: str) -> Iterator[str]:
    """Yield the gcloud commands of a shell script, or of a text's code blocks, one per line."""
    for line in script.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[;|]|\$\(", line):
            if part.strip().startswith("gcloud "):
                yield shlex.join(shlex.split(part.split(" #")[0].split(">")[0].rstrip(") ")))
