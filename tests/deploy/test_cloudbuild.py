"""The build's own file: what it is told, in what order it works, and what Google takes it for."""

import re
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1 import Build
from google.protobuf import json_format

from deploy.__main__ import VERBS
from deploy.database import EXPIRING
from deploy.settings import PROJECT, Settings
from lib.datastore.schema import model_of
from tests.deploy.models import find_models

FILE = yaml.safe_load((PROJECT / "cloudbuild.yaml").read_text())
STEPS = {step["id"]: step for step in FILE["steps"]}
SUBSTITUTIONS: dict[str, str] = FILE["substitutions"]
README = (PROJECT / "README.md").read_text()


def parse(build: dict[str, Any]) -> Any:
    return json_format.ParseDict(build, Build.pb(Build()))


def test_cloud_build_understands_the_file() -> None:
    assert len(parse(FILE).steps) == len(STEPS)


def test_a_field_that_cloud_build_does_not_have_is_found() -> None:
    with pytest.raises(json_format.ParseError):
        parse({**FILE, "step": []})


def test_nothing_is_deployed_before_the_tests_and_no_traffic_moves_before_the_smoke_test() -> None:
    assert list(STEPS) == [
        "test", "check", "name-image", "image", "prepare", "stage", "smoke", "release",
    ]  # fmt: skip


def test_every_step_of_ours_is_a_verb_that_there_is() -> None:
    for step in STEPS.values():
        if step["args"][:2] == ["-m", "deploy"]:
            assert step["args"][2] in VERBS


def test_every_substitution_reaches_the_deployment_and_has_its_default() -> None:
    env = dict(line.split("=", 1) for line in FILE["options"]["env"])
    defaults = {field.name.upper(): field.default for field in fields(Settings)}
    assert env.pop("PROJECT") == "${PROJECT_ID}"
    assert env.pop("PROJECT_NUMBER") == "${PROJECT_NUMBER}"
    assert env == {name.removeprefix("_"): f"${{{name}}}" for name in SUBSTITUTIONS}
    for name, stated in SUBSTITUTIONS.items():
        if name != "_REGION":  # where the build was submitted to
            assert stated == defaults[name.removeprefix("_")], name


def test_every_setting_that_the_build_could_state_is_a_substitution() -> None:
    by_hand = {"project", "project_number", "channels"}
    names = {f"_{field.name.upper()}" for field in fields(Settings) if field.name not in by_hand}
    assert names == set(SUBSTITUTIONS)


def test_every_substitution_has_its_line_in_the_readme() -> None:
    for name in SUBSTITUTIONS:
        assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE), name


def test_what_the_build_says_to_gcloud_is_found_out_with_python_alone() -> None:
    # The image that gcloud comes in has a Python without packages.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "deploy", "setup", "--dry-run"],
        cwd=PROJECT,
        env={"PROJECT": "p"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "gcloud firestore databases create" in done.stdout


def test_the_kinds_that_expire_are_those_whose_models_say_so() -> None:
    marked = {
        model.kind: expiring[0].stored
        for model in map(model_of, find_models())
        if (expiring := [each for each in model.properties if each.expires])
    }
    assert marked == EXPIRING, "deploy/database.py lists what a TTL policy is made for"


def test_the_image_is_built_from_what_the_python_of_the_tests_has_tested() -> None:
    version = STEPS["test"]["name"].removeprefix("python:")
    assert f"FROM python:{version}-slim" in (PROJECT / "Dockerfile").read_text()
