"""What a project needs once, before the first build: identities, roles, APIs, stores."""

from typing import Any

from deploy.cloud import Cloud
from deploy.grants import list_bindings
from deploy.patience import SETTLING, persist
from deploy.recovery import PROTECTION, is_protected, schedule_backups
from deploy.settings import ACCOUNTS, Settings, Unusable

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

SETTLES = "a new project, API or account is not known everywhere yet"


def set_up(cloud: Cloud, settings: Settings) -> None:
    """Create what is not there, and protect the database; no key is ever made.

    Nothing else that is there is changed.

    Raises Unusable, with nothing of ours created, where the project cannot be what it must.
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
                f"{name} is not in {settings.tasks_location}: say TASKS_REGION=... here and "
                f"_TASKS_REGION in the build, one of {', '.join(known)}"
            )
    listed = _read(cloud, "firestore", "locations", "list")
    known = sorted(each.get("locationId") or each["name"].rpartition("/")[2] for each in listed)
    if known and _database_location(settings) not in known:
        raise Unusable(
            f"no database can be in {_database_location(settings)}: say DATABASE_LOCATION=..., "
            f"one of {', '.join(known)}"
        )


def _database_location(settings: Settings) -> str:
    return settings.database_location or settings.region


def _check_database(settings: Settings, databases: list[Any]) -> None:
    """Refuse a database that is there and is of another kind, or elsewhere."""
    name, location = settings.database, _database_location(settings)
    for each in databases:
        if each["name"].rpartition("/")[2] != name:
            continue
        if each.get("type") not in (None, "DATASTORE_MODE"):
            raise Unusable(
                f"the database {name} is in Native mode, and cannot be changed once it has data: "
                "say DATABASE=amends here and _DATABASE=amends in the build, for one of its own"
            )
        if each.get("locationId") not in (None, location):
            raise Unusable(
                f"the database {name} is in {each['locationId']}, not in {location}: say "
                f"DATABASE_LOCATION={each['locationId']} if it may be there, or DATABASE=amends "
                "here and _DATABASE=amends in the build, for one of its own"
            )


def _create_stores(cloud: Cloud, settings: Settings, databases: list[Any]) -> None:
    """Create the database, the repository of images, and the bucket that builds read from."""
    location = f"--location={settings.region}"
    _apply_database(cloud, settings, databases)
    listed = _read(cloud, "artifacts", "repositories", "list", location)
    if settings.image_repository not in _last_parts(listed):
        _settle(
            cloud, "artifacts", "repositories", "create", settings.image_repository, location,
            "--repository-format=docker",
        )  # fmt: skip
    listed = _read(cloud, "storage", "buckets", "list")
    if settings.source_bucket not in _last_parts(listed):
        _settle(
            cloud, "storage", "buckets", "create", f"gs://{settings.source_bucket}", location,
            "--uniform-bucket-level-access",
        )  # fmt: skip


def _apply_database(cloud: Cloud, settings: Settings, databases: list[Any]) -> None:
    """Create the database, or protect the one that is there; and have it backed up."""
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


def _last_parts(listed: list[Any]) -> set[str]:
    return {each["name"].rpartition("/")[2] for each in listed}
