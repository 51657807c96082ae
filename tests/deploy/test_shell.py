"""The shell for a real project: commands, requests, and their retries."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.cloud.client import Failed, render
from deploy.cloud.gcloud import Shell, run_gcloud
from deploy.cloud.retry import PATIENCE
from local.stack.supervisor import PROJECT

STAND_IN = """#!/bin/sh
echo "$@" >> "$TOLD"
case "$*" in
  *"queues list"*) echo '[{"name": "projects/p/locations/r/queues/sagas"}]' ;;
  *denied*) echo "PERMISSION_DENIED: not you" >&2; exit 1 ;;
  *packages*) echo "$PYTHONPATH" ;;
esac
"""
URL = "https://run.googleapis.com/v2/x"


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for gcloud first on the path; return the file that records its arguments."""
    stand_in = tmp_path / "bin" / "gcloud"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path / "recorded"))
    return tmp_path / "recorded"


class Patient(Shell):
    """A shell with its own clock, which gets the answers in `answers` in order."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("p", self.gcloud, self.rest)
        self.answers, self.at = list(answers), 0.0
        self.tokens: list[str] = []
        self.commands: list[str] = []

    def now(self) -> float:
        return self.at

    def sleep(self, pause: timedelta) -> None:
        self.at += pause.total_seconds()

    def gcloud(self, words: Any) -> tuple[int, str, str]:
        self.commands.append(" ".join(words))
        if words[:2] == ["auth", "print-access-token"]:
            return 0, f"token-{self.commands.count(self.commands[-1])}", ""
        answer: tuple[int, str, str] = self.answers.pop(0)
        return answer

    def rest(self, method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        self.tokens.append(token)
        answer: tuple[int, str] = self.answers.pop(0)
        return answer


def error(status: int, word: str, message: str) -> tuple[int, str]:
    return status, json.dumps({"error": {"code": status, "status": word, "message": message}})


def run_verb(verb: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy", verb],
        cwd=PROJECT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_changes_are_shown_and_run_and_existing_resources_updated(recorded: Path) -> None:
    done = run_verb("prepare", PROJECT="p", QUEUE_COUNT="2")
    assert done.returncode == 0, done.stderr
    shown = [line.removeprefix("gcloud ") for line in done.stdout.splitlines()]
    said = [line.removesuffix(" --quiet") for line in recorded.read_text().splitlines()]
    assert [line.split()[:4] for line in shown if "queues" in line] == [
        ["tasks", "queues", "update", "sagas"],
        ["tasks", "queues", "add-iam-policy-binding", "sagas"],
        ["tasks", "queues", "create", "sagas-2"],
        ["tasks", "queues", "add-iam-policy-binding", "sagas-2"],
    ]
    assert all(line.endswith(" --project=p") for line in said)
    assert [line.replace("'", "") for line in shown] == [
        line for line in said if "--format=json" not in line
    ]


def test_gcloud_does_not_import_our_packages(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    assert run_gcloud(["packages"]) == (0, "", "")


def test_a_failed_command_ends_with_gclouds_message(recorded: Path) -> None:
    with pytest.raises(Failed, match="gcloud denied --x=1 --project=p\nPERMISSION_DENIED: not you"):
        Shell("p").change("denied", "--x=1")
    with pytest.raises(Failed, match="not you"):
        Shell("p").read("denied")
    with pytest.raises(Failed, match="not you"):
        Shell("p").each(lambda word: Shell("p").change(word), ["fine", "denied", "fine"])


def test_a_wrong_setting_ends_with_advice_before_any_command(recorded: Path) -> None:
    done = run_verb("prepare", PROJECT="p", MODE="both")
    assert (done.returncode, done.stderr) == (1, "MODE is functions or api, not 'both'\n")
    assert not recorded.exists()


def test_a_command_is_shown_as_it_is_typed() -> None:
    assert render("run", "x y", "--a=b c", "--d=e") == "gcloud run 'x y' --a='b c' --d=e"


@pytest.mark.parametrize(
    "complaint",
    [
        "ERROR: gcloud crashed (OperationalError): database is locked",
        "ERROR: (gcloud.x) ABORTED: There were concurrent policy changes.",
        "ERROR: (gcloud.x) RESOURCE_EXHAUSTED: Quota exceeded for quota metric",
        "ERROR: (gcloud.x) HttpError accessing <https://x>: response: <{'status': '503'}>",
        "ERROR: (gcloud.x) UNAVAILABLE: The service is currently unavailable.",
    ],
)
def test_a_command_with_a_transient_failure_is_repeated(
    complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Patient((1, "", complaint), (1, "", complaint), (0, "[]", ""))
    cloud.change("tasks", "queues", "create", "q")
    assert cloud.answers == []
    assert "retrying for up to 120 s" in capsys.readouterr().out


def test_a_failure_that_lasts_two_minutes_is_an_error() -> None:
    cloud = Patient(*[(1, "", "database is locked")] * 100)
    with pytest.raises(Failed, match="database is locked"):
        cloud.read("x")
    waited = timedelta(seconds=cloud.now())
    assert PATIENCE <= waited < PATIENCE + timedelta(seconds=30)


def test_a_resource_created_by_an_unanswered_attempt_is_no_error() -> None:
    cloud = Patient((1, "", "503 UNAVAILABLE"), (1, "", "ALREADY_EXISTS: q already exists"))
    cloud.change("tasks", "queues", "create", "q")
    with pytest.raises(Failed, match="ALREADY_EXISTS"):
        Patient((1, "", "ALREADY_EXISTS: q already exists")).change("x")


def test_all_requests_share_one_token_and_an_expired_one_is_replaced_once() -> None:
    cloud = Patient((200, "{}"), (200, "{}"), error(401, "UNAUTHENTICATED", "old"), (200, "{}"))
    for _ in range(3):
        cloud.get(URL)
    assert cloud.tokens == ["token-1", "token-1", "token-1", "token-2"]
    assert len(cloud.commands) == 2


@pytest.mark.parametrize(
    "answer",
    [(0, "connection refused"), error(429, "RESOURCE_EXHAUSTED", "Quota"), (503, "<html>")],
)
def test_a_request_is_sent_again_while_the_service_is_busy(answer: tuple[int, str]) -> None:
    cloud = Patient(answer, answer, (200, '{"done": true}'))
    assert cloud.send("PATCH", URL, {"a": 1}) == {"done": True}


def test_a_request_is_not_repeated_after_a_conflict_or_refusal() -> None:
    with pytest.raises(Failed, match="409 ABORTED: etag"):
        Patient(error(409, "ABORTED", "etag")).send("POST", URL, {})
    with pytest.raises(Failed, match=r"PATCH .*\n403 PERMISSION_DENIED: not you"):
        Patient(error(403, "PERMISSION_DENIED", "not you")).send("PATCH", URL, {})
