"""The commands as they are run: by a stand-in for gcloud that writes down what it is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.gcloud import Failed, Shell, render
from local.supervisor import PROJECT

STAND_IN = """#!/bin/sh
echo "$@" >> "$TOLD"
case "$*" in
  *"queues list"*) echo '[{"name": "projects/p/locations/r/queues/sagas"}]' ;;
  *denied*) echo "PERMISSION_DENIED: not you" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in first on the path; return the file of what it was told."""
    stand_in = tmp_path / "bin" / "gcloud"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    return tmp_path / "told"


def run_verb(verb: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy", verb],
        cwd=PROJECT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_changes_something_is_shown_and_said_and_what_is_there_is_updated(told: Path) -> None:
    done = run_verb("prepare", PROJECT="p", QUEUE_COUNT="2")
    assert done.returncode == 0, done.stderr
    shown = [line.removeprefix("gcloud ") for line in done.stdout.splitlines()]
    said = [line.removesuffix(" --quiet") for line in told.read_text().splitlines()]
    assert [line.split()[:4] for line in shown if "queues" in line] == [
        ["tasks", "queues", "update", "sagas"],
        ["tasks", "queues", "create", "sagas-2"],
    ]
    assert all(line.endswith(" --project=p") for line in said)
    assert [line.replace("'", "") for line in shown] == [
        line for line in said if "--format=json" not in line
    ]


def test_a_command_that_fails_ends_everything_with_what_gcloud_said(told: Path) -> None:
    with pytest.raises(Failed, match="gcloud denied --x=1 --project=p\nPERMISSION_DENIED: not you"):
        Shell("p").change("denied", "--x=1")
    with pytest.raises(Failed):
        Shell("p").read("denied")
    with pytest.raises(Failed):
        Shell("p").each(lambda word: Shell("p").change(word), ["fine", "denied", "fine"])


def test_a_wrong_setting_ends_with_advice_and_says_nothing_to_gcloud(told: Path) -> None:
    done = run_verb("prepare", PROJECT="p", MODE="both")
    assert (done.returncode, done.stderr) == (1, "MODE is functions or api, not 'both'\n")
    assert not told.exists()


def test_a_command_is_shown_as_it_is_typed() -> None:
    assert render("run", "x y", "--a=b c", "--d=e") == "gcloud run 'x y' --a='b c' --d=e"
