"""cloudbuild.yaml: its settings, the order of its steps, and its validity."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1 import Build
from google.protobuf import json_format

from deploy.__main__ import VERBS
from deploy.settings import PROJECT, Settings
from deploy.stores.database import EXPIRING
from lib.datastore.model.schema import model_of
from tests.deploy.models import find_models

FILE = yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())
STEPS = {step["id"]: step for step in FILE["steps"]}
SUBSTITUTIONS: dict[str, str] = FILE["substitutions"]
PAGE = (PROJECT / "docs/deploy.md").read_text()


def parse(build: dict[str, Any]) -> Any:
    return json_format.ParseDict(build, Build.pb(Build()))


def test_cloud_build_understands_the_file() -> None:
    assert len(parse(FILE).steps) == len(STEPS)


def test_a_field_that_cloud_build_does_not_have_is_found() -> None:
    with pytest.raises(json_format.ParseError, match=r"no field named .step."):
        parse({**FILE, "step": []})


def test_nothing_is_deployed_before_the_tests_and_no_traffic_moves_before_the_smoke_test() -> None:
    assert list(STEPS) == [
        "install", "test", "check", "name-image", "image", "prepare", "stage", "smoke",
        "check-again", "release",
    ]  # fmt: skip


def test_every_build_step_is_an_existing_verb() -> None:
    for step in STEPS.values():
        if step["args"][:2] == ["-m", "deploy"]:
            assert step["args"][2] in VERBS


def test_every_substitution_reaches_the_deployment_and_has_its_default() -> None:
    env = dict(line.split("=", 1) for line in FILE["options"]["env"])
    defaults = {field.name.upper(): field.default for field in fields(Settings)}
    assert env.pop("PROJECT") == "${PROJECT_ID}"
    assert env.pop("COMMIT") == "${COMMIT_SHA}"
    assert env.pop("PROJECT_NUMBER") == "${PROJECT_NUMBER}"
    assert env == {name.removeprefix("_"): f"${{{name}}}" for name in SUBSTITUTIONS}
    for name, stated in SUBSTITUTIONS.items():
        if name != "_REGION":  # the location that the build was submitted to
            assert stated == defaults[name.removeprefix("_")], name


def test_every_setting_of_the_build_is_a_substitution() -> None:
    by_hand = {
        "project", "project_number", "channels", "submitters", "database_location", "backup_days",
        "commit",
    }  # fmt: skip
    names = {f"_{field.name.upper()}" for field in fields(Settings) if field.name not in by_hand}
    assert names == set(SUBSTITUTIONS)


def test_every_substitution_is_documented() -> None:
    for name in SUBSTITUTIONS:
        assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE), name


def test_the_build_needs_no_package_but_a_yaml_library(tmp_path: Path) -> None:
    """gcloud's image has a Python without packages, perhaps of another version than ours."""
    (tmp_path / "yaml").symlink_to(Path(yaml.__file__).parent)
    (tmp_path / "image.txt").write_text("registry/amends@sha256:1")
    path = f"{tmp_path}:{PROJECT}"
    for verb, shown in (("prepare", "tasks queues create"), ("stage", "services/api?")):
        done = subprocess.run(
            [sys.executable, "-S", "-m", "deploy", verb, "--dry-run"],
            cwd=tmp_path,
            env={"PROJECT": "p", "PROJECT_NUMBER": "1", "MODE": "api", "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown in done.stdout


def test_set_up_needs_only_python() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "deploy", "setup", "--dry-run"],
        cwd=PROJECT,
        env={"PROJECT": "p"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "gcloud firestore databases create" in done.stdout


def test_the_kinds_that_expire_match_their_models() -> None:
    marked = {
        model.kind: expiring[0].stored
        for model in map(model_of, find_models())
        if (expiring := [each for each in model.properties if each.expires])
    }
    assert marked == EXPIRING, "deploy/stores/database.py lists what a TTL policy is made for"


def test_the_image_is_built_from_what_the_python_of_the_tests_has_tested() -> None:
    version = STEPS["install"]["name"].removeprefix("python:")
    assert f"ARG BASE=python:{version}-slim\n" in (PROJECT / "Dockerfile").read_text()
    assert SUBSTITUTIONS["_BASE_IMAGE"] == f"python:{version}-slim"
    assert f"python:{version} make lint test" in STEPS["test"]["args"][1]


def test_the_tests_run_without_a_network() -> None:
    assert "docker create --network=none " in STEPS["test"]["args"][1]
    assert STEPS["install"]["env"] == ["PIP_ONLY_BINARY=:all:"]


def test_the_build_declares_what_its_tests_lack() -> None:
    said = "--env=CI=1 --env=AMENDS_TESTS_WITHOUT=emulators,gcloud,node "
    assert said in STEPS["test"]["args"][1]


def test_sagas_are_checked_again_before_traffic_moves() -> None:
    ids = list(STEPS)
    assert ids[ids.index("release") - 1] == "check-again"
    again = {**STEPS["check-again"], "id": "check"}
    assert again == STEPS["check"]


def test_the_deployed_image_is_named_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = STEPS["image"]["args"][1].replace("$$", "$")
    said = run_image_step(script, tmp_path, monkeypatch, present=False)
    assert (tmp_path / "image.txt").read_text() == "registry/amends@sha256:pushed\n"
    build = next(line for line in said if line.startswith("build "))
    assert "BASE=registry/python@sha256:based" in build
    assert "REQUIREMENTS=requirements.lock" in build
    said = run_image_step(script, tmp_path, monkeypatch, present=True)
    assert (tmp_path / "image.txt").read_text() == "registry/amends@sha256:pushed\n"
    assert not any(line.startswith(("build ", "push ")) for line in said)


DOCKER = """#!/bin/sh
echo "$@" >> said
case "$*" in
  "pull --quiet registry/amends:tag") test -e present ;;
  inspect*python*) echo registry/python@sha256:based ;;
  inspect*) echo registry/amends@sha256:pushed ;;
esac
"""


def run_image_step(
    script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, present: bool
) -> list[str]:
    """Run the step with a stand-in for docker; return its arguments."""
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    (folder / "image.txt").write_text("registry/amends:tag\n")
    (folder / "said").write_text("")
    if present:
        (folder / "present").touch()
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "BASE_IMAGE": "python:3.11-slim"}
    subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=True)
    return (folder / "said").read_text().splitlines()


def test_submitters_see_the_log_during_the_build() -> None:
    """Only gcloud's beta command shows a log that is only in Cloud Logging."""
    assert FILE["options"]["logging"] == "CLOUD_LOGGING_ONLY"
    for text in (PAGE, (PROJECT / "cloudbuild.yaml").read_text()):
        assert "gcloud beta builds submit" in text
        assert "gcloud builds submit" not in text


@pytest.mark.parametrize("name", [file.stem for file in PROJECT.glob("requirements*.txt")])
def test_everything_that_is_installed_is_installed_by_its_hash(name: str) -> None:
    locked = (PROJECT / f"{name}.lock").read_text()
    entries = re.split(r"\n(?=\S)", locked.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    pins = {pin for entry in entries for pin in re.findall(r"^([\w.-]+==[^\s;]+)", entry)}
    found = {pin.lower().replace("_", "-").replace(".", "-") for pin in pins}
    stated = re.findall(r"^([\w.-]+==\S+)", (PROJECT / f"{name}.txt").read_text(), re.MULTILINE)
    wanted = {pin.lower().replace("_", "-").replace(".", "-") for pin in stated}
    assert wanted <= found, "run `make lock`"


def test_nothing_is_installed_without_a_hash() -> None:
    for file in ("Makefile", "Dockerfile"):
        lines = re.findall(r"pip install .*", (PROJECT / file).read_text())
        assert lines
        assert all("--require-hashes" in line for line in lines), file
