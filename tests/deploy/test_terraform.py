"""The Terraform module creates what `make setup` and `make alerts` create.

No Terraform runs here: its files are read and compared with deploy/.
"""

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import hcl2
import pytest
from hcl2.utils import SerializationOptions

from deploy.__main__ import watch
from deploy.observability.alerts import METRICS, POLICIES, describe_metric, describe_policy
from deploy.observability.log_exclusion import describe_exclusion
from deploy.project.grants import BUILD_ROLES, DATABASE_ROLES, SUBMITTER_ROLES, list_bindings
from deploy.project.setup import APIS, set_up
from deploy.settings import ACCOUNTS, PROJECT, Settings
from main import FUNCTIONS
from tests.deploy.cloud import Cloud

MODULE = PROJECT / "terraform"
OPTIONS = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
PLAIN = Settings(
    project="shop-1",
    channels="projects/shop-1/notificationChannels/1",
    submitters="user:dev@example.com",
)
STAGING = replace(PLAIN, prefix="staging-", database="")

#: The module's resource for each kind of command or request of set-up and alerts.
RESOURCES = {
    "services enable": "google_project_service",
    "firestore databases create": "google_firestore_database",
    "firestore backups schedules create": "google_firestore_backup_schedule",
    "artifacts repositories create": "google_artifact_registry_repository",
    "artifacts repositories set-cleanup-policies": "google_artifact_registry_repository",
    "storage buckets create": "google_storage_bucket",
    "iam service-accounts create": "google_service_account",
    "projects add-iam-policy-binding": "google_project_iam_member",
    "storage buckets add-iam-policy-binding": "google_storage_bucket_iam_member",
    "artifacts repositories add-iam-policy-binding":
        "google_artifact_registry_repository_iam_member",
    "iam service-accounts add-iam-policy-binding": "google_service_account_iam_member",
    "secrets add-iam-policy-binding": "google_secret_manager_secret_iam_member",
    "POST metrics": "google_logging_metric",
    "POST alertPolicies": "google_monitoring_alert_policy",
    "PATCH _Default": "google_logging_project_exclusion",
}  # fmt: skip

#: Resources that only Terraform needs.
OWN = {"time_sleep"}


@cache
def read() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the module's locals, and its resources by kind and name."""
    values: dict[str, Any] = {}
    resources: dict[str, dict[str, Any]] = {}
    for file in MODULE.glob("*.tf"):
        found = hcl2.loads(file.read_text(), serialization_options=OPTIONS)
        for each in found.get("locals", []):
            values |= each
        for each in found.get("resource", []):
            for kind, named in each.items():
                resources.setdefault(kind, {}).update(named)
    return values, resources


def resource(kind: str, name: str) -> dict[str, Any]:
    stated: dict[str, Any] = read()[1][kind][name]
    return stated


def render(text: str, settings: Settings, each: dict[str, Any] | None = None) -> str:
    """Return a template's text, for the expressions used in names and filters."""
    path = f"projects/{settings.project}/databases/{settings.database}"
    values = {
        "var.prefix": settings.prefix,
        "local.environment": settings.environment,
        "local.database_path": path,
        "local.lines": lines_of(settings),
        "local.underscored": settings.prefix.replace("-", "_"),
        **{f"each.value.{name}": value for name, value in (each or {}).items()},
    }
    return re.sub(r"\$\{([\w.]+)\}", lambda found: str(values[found[1]]), text)


def lines_of(settings: Settings) -> str:
    _, without, within = re.split(r'== "" \? | : ', read()[0]["lines"].strip("${}"))
    chosen = within if settings.prefix else without
    return str(json.loads(chosen)).replace("${local.label}", settings.label)


def said_by_set_up_and_alerts(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the kinds of commands and requests that set up an empty project."""
    monkeypatch.setitem(
        FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(secrets={"KEY": "payments:1"})
    )
    cloud = Cloud()
    secret = "projects/shop-1/secrets/payments"
    cloud.project.state.put(secret, {"name": secret})
    set_up(cloud, PLAIN)
    watch(cloud, PLAIN)
    return {kind_of(line) for line in cloud.changes}


def kind_of(line: str) -> str:
    method, first, *rest = line.split()
    if method != "gcloud":
        return f"{method} {first.partition('?')[0].rpartition('/')[2]}"
    words = []
    for word in [first, *rest]:
        words.append(word)
        if word in ("enable", "create", "add-iam-policy-binding", "set-cleanup-policies"):
            break
    return " ".join(words)


def test_the_module_has_exactly_the_resources_of_set_up_and_alerts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = said_by_set_up_and_alerts(monkeypatch)
    assert said == set(RESOURCES)
    assert set(read()[1]) == set(RESOURCES.values()) | OWN


def test_apis_accounts_and_roles_are_those_of_set_up() -> None:
    stated = read()[0]
    assert stated["apis"] == list(APIS)
    assert stated["accounts"] == list(ACCOUNTS)
    assert stated["database_roles"] == {name: list(each) for name, each in DATABASE_ROLES.items()}
    assert stated["build_roles"] == list(BUILD_ROLES)
    assert stated["submitter_roles"] == list(SUBMITTER_ROLES)


def test_the_users_of_accounts_are_those_of_set_up() -> None:
    email = re.compile(r"(?:--member=serviceAccount:)?amends-(\w+)@.*")
    given = {
        (email.sub(r"\1", owner), email.sub(r"\1", member), role.removeprefix("--role="))
        for *words, owner, member, role in list_bindings(replace(PLAIN, submitters=""))
        if words[:2] == ["iam", "service-accounts"]
    }
    stated = {(each["owner"], each["member"], each["role"]) for each in read()[0]["account_roles"]}
    assert stated == given


def test_the_roles_on_bucket_repository_and_secrets_are_those_of_set_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        FUNCTIONS, "get_saga", FUNCTIONS["get_saga"]._replace(secrets={"KEY": "payments:1"})
    )
    given = set()
    for words in list_bindings(PLAIN):
        kind = RESOURCES[" ".join(words[: words.index("add-iam-policy-binding") + 1])]
        role = next(word for word in words if word.startswith("--role="))
        given.add((kind, role.removeprefix("--role=")))
    stated = {
        (kind, each["role"])
        for kind, named in read()[1].items()
        for each in named.values()
        if kind.endswith("_iam_member") and not each["role"].startswith("${")
    }
    assert stated <= given
    from_lists = {"google_project_iam_member", "google_service_account_iam_member"}
    assert {pair for pair in given - stated if pair[0] not in from_lists} == set()


@pytest.mark.parametrize("settings", [PLAIN, STAGING], ids=["plain", "staging"])
def test_the_names_of_an_environment_match_those_of_builds(settings: Settings) -> None:
    stated = read()[0]
    account = resource("google_service_account", "account")
    for name in ACCOUNTS:
        assert render(account["account_id"].replace("${each.key}", name), settings) == (
            settings.account(name)
        )
        shown = render(account["display_name"].replace("${each.key}", name), settings)
        assert shown == f"Amends in {settings.environment}: {name}"
    repository = resource("google_artifact_registry_repository", "images")
    assert render(repository["repository_id"], settings) == settings.image_repository
    plain, own = re.findall(r'"([^"]*)"', stated["default"])[1:]
    assert render(own if settings.prefix else plain, settings) == settings.database
    (condition,) = resource("google_project_iam_member", "database")["condition"]
    commands = [" ".join(words) for words in list_bindings(settings)]
    expression, title = render(condition["expression"], settings), condition["title"]
    expected = f"--condition=expression={expression},title={render(title, settings)}"
    assert any(line.endswith(expected) for line in commands)


@pytest.mark.parametrize("settings", [PLAIN, STAGING], ids=["plain", "staging"])
def test_metrics_and_the_exclusion_are_those_of_alerts(settings: Settings) -> None:
    metric = resource("google_logging_metric", "metric")
    for file in METRICS.glob("*.json"):
        each, expected = json.loads(file.read_text()), describe_metric(file, settings)
        assert render(metric["name"], settings, each) == expected["name"]
        assert render(metric["filter"], settings, each) == expected["filter"]
    exclusion = resource("google_logging_project_exclusion", "deliveries")
    for name, text in describe_exclusion(settings).items():
        assert render(exclusion[name], settings) == text


def test_policies_come_completely_from_the_same_files() -> None:
    text = (MODULE / "alerts.tf").read_text()
    for folder in ("metrics", "alerts"):
        assert f'fileset("${{local.deploy}}/{folder}", "*.json")' in text
    for file in [*POLICIES.glob("*.json"), *METRICS.glob("*.json")]:
        for key in keys_of(json.loads(file.read_text())):
            snake = re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", key)
            assert re.search(rf"\.{key}\b", text), f"{file.name}: {key}"
            assert re.search(rf'\b{snake}"? *[={{]', text), f"{file.name}: {snake}"


def keys_of(value: Any, above: str = "") -> set[str]:
    """Return every field of a resource; label extractors have their own names."""
    if isinstance(value, list):
        return {key for each in value for key in keys_of(each)}
    if not isinstance(value, dict) or above == "labelExtractors":
        return set()
    return set(value) | {key for name, each in value.items() for key in keys_of(each, name)}


@pytest.mark.parametrize("settings", [PLAIN, STAGING], ids=["plain", "staging"])
def test_policies_name_the_metrics_and_the_environment_as_alerts_do(settings: Settings) -> None:
    """This does what Terraform's replace() in alerts.tf does to the files."""
    stated = read()[0]["policies"]
    pairs = re.findall(r'"(user[/_]amends[-_])", "([^"]+)"', stated)
    assert len(pairs) == 2
    for file in POLICIES.glob("*.json"):
        text = file.read_text()
        for before, after in pairs:
            text = text.replace(before, render(after, settings))
        policy, expected = json.loads(text), describe_policy(file, settings)
        for ours, theirs in zip(policy["conditions"], expected["conditions"], strict=True):
            if "conditionMatchedLog" in ours:
                ours["conditionMatchedLog"]["filter"] += f" AND {lines_of(settings)}"
            assert ours == theirs
