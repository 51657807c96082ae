"""What a project needs once, before the first build: identities, roles, APIs, stores."""

from typing import Any

from deploy.cloud.client import Cloud
from deploy.cloud.retry import SETTLING, persist
from deploy.project.grants import list_bindings
from deploy.settings import ACCOUNTS, PROJECT, Settings, Unusable
from deploy.stores.backups import PROTECTION, is_protected, schedule_backups

APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "datastore",
    "firestore",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
)

SETTLES = "a new project, API or account has not propagated yet"


def set_up(cloud: Cloud, settings: Settings) -> None:
    """Create what is missing, and protect the database; never create a key.

    Changes nothing else that exists. Raises Unusable before it creates anything if the project does
    not meet the requirements.
    """
    cloud.change("services", "enable", *(f"{api}.googleapis.com" for api in APIS))
    _check_regions(cloud, settings)
    databases = _read(cloud, "firestore", "databases", "list")
    _check_database(settings, databases)
    _create_stores(cloud, settings, databases)
    _create_accounts(cloud, settings)
    for words in list_bindings(settings):
        _settle(cloud, *words)


def _settle(cloud: Cloud, *words: str) -> None:
    persist(cloud, lambda: cloud.change(*words), SETTLING, reason=SETTLES)


def _read(cloud: Cloud, *words: str) -> Any:
    return persist(cloud, lambda: cloud.read(*words), SETTLING, reason=SETTLES) or []


def _check_regions(cloud: Cloud, settings: Settings) -> None:
    for service, name in (("tasks", "Cloud Tasks"), ("scheduler", "Cloud Scheduler")):
        listed = _read(cloud, service, "locations", "list")
        known = sorted(each.get("locationId") or each["name"].rpartition("/")[2] for each in listed)
        if known and settings.tasks_location not in known:
            raise Unusable(
                f"{name} is not available in {settings.tasks_location}: set TASKS_REGION=... here "
                f"and _TASKS_REGION in the build, one of {', '.join(known)}"
            )
    listed = _read(cloud, "firestore", "locations", "list")
    known = sorted(each.get("locationId") or each["name"].rpartition("/")[2] for each in listed)
    if known and _database_location(settings) not in known:
        raise Unusable(
            f"Firestore is not available in {_database_location(settings)}: set "
            f"DATABASE_LOCATION=..., one of {', '.join(known)}"
        )


def _database_location(settings: Settings) -> str:
    return settings.database_location or settings.region


def _check_database(settings: Settings, databases: list[Any]) -> None:
    """Raise Unusable for an existing database in another mode or location."""
    name, location = settings.database, _database_location(settings)
    for each in databases:
        if each["name"].rpartition("/")[2] != name:
            continue
        if each.get("type") not in (None, "DATASTORE_MODE"):
            raise Unusable(
                f"the database {name} is in Native mode, which cannot change once it has data: "
                "set DATABASE=amends here and _DATABASE=amends in the build to use a separate one"
            )
        if each.get("locationId") not in (None, location):
            raise Unusable(
                f"the database {name} is in {each['locationId']}, not in {location}: set "
                f"DATABASE_LOCATION={each['locationId']} to use it, or DATABASE=amends here and "
                "_DATABASE=amends in the build to use a separate one"
            )


def _create_stores(cloud: Cloud, settings: Settings, databases: list[Any]) -> None:
    """Create the database, the repository of images, and the bucket of sources."""
    location = f"--location={settings.region}"
    _apply_database(cloud, settings, databases)
    _apply_repository(cloud, settings, location)
    _apply_bucket(cloud, settings, location)


def _apply_repository(cloud: Cloud, settings: Settings, location: str) -> None:
    """Create the repository; give it a policy that deletes old images, unless it has a policy.

    Cloud Run keeps a copy of each serving image, so a revision still runs when its image is gone.
    """
    words, name = ["artifacts", "repositories"], settings.image_repository
    listed = _read(cloud, *words, "list", location)
    found = [each for each in listed if each["name"].rpartition("/")[2] == name]
    if not found:
        _settle(cloud, *words, "create", name, location, "--repository-format=docker")
    if not found or not found[0].get("cleanupPolicies"):
        policy = f"--policy={PROJECT / 'deploy' / 'cleanup.json'}"
        _settle(cloud, *words, "set-cleanup-policies", name, location, policy, "--no-dry-run")


def _apply_bucket(cloud: Cloud, settings: Settings, location: str) -> None:
    """Create the bucket of sources; give it a rule that deletes old ones, unless it has rules."""
    bucket = f"gs://{settings.source_bucket}"
    rules = f"--lifecycle-file={PROJECT / 'deploy' / 'lifecycle.json'}"
    listed = _read(cloud, "storage", "buckets", "list")
    found = [each for each in listed if each["name"].rpartition("/")[2] == settings.source_bucket]
    if not found:
        _settle(
            cloud, "storage", "buckets", "create", bucket, location,
            "--uniform-bucket-level-access", rules,
        )  # fmt: skip
    elif not found[0].get("lifecycle_config"):
        _settle(cloud, "storage", "buckets", "update", bucket, rules)


def _apply_database(cloud: Cloud, settings: Settings, databases: list[Any]) -> None:
    """Create the database or protect the existing one, and schedule its backups."""
    words = ["firestore", "databases"]
    database = f"--database={settings.database}"
    found = [each for each in databases if each["name"].rpartition("/")[2] == settings.database]
    if not found:
        _settle(
            cloud, *words, "create", database, f"--location={_database_location(settings)}",
            "--type=datastore-mode", *PROTECTION,
        )  # fmt: skip
    elif not is_protected(found[0]):
        _settle(cloud, *words, "update", database, *PROTECTION)
    for command in schedule_backups(cloud, settings):
        _settle(cloud, *command)


def _create_accounts(cloud: Cloud, settings: Settings) -> None:
    listed = _read(cloud, "iam", "service-accounts", "list")
    present = {account["email"] for account in listed}
    for name in ACCOUNTS:
        account = settings.account(name)
        if f"{account}@{settings.project}.iam.gserviceaccount.com" not in present:
            title = f"Amends in {settings.environment}: {name}"
            _settle(cloud, "iam", "service-accounts", "create", account, f"--display-name={title}")
