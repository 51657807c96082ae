"""What a project needs once, before the first build: identities, roles, APIs, stores."""

from collections.abc import Iterator
from typing import Any

from deploy.cloud import Cloud
from deploy.patience import SETTLING, persist
from deploy.settings import ACCOUNTS, Settings, Unusable, split_list
from deploy.table import account_of, list_secrets

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

#: What an account may do to the database, and to no other database of the project.
DATABASE_ROLES = {
    "app": ("roles/datastore.user",),
    "data": ("roles/datastore.user",),
    # Indexes and TTL policies, and a look at unfinished sagas: nothing of the data is written.
    "build": ("roles/datastore.indexAdmin", "roles/datastore.viewer"),
}

#: What the build may do in the whole project: services and who may call them, queues and who may
#: fill them, the job, its own log. The functions make tasks by a role on each queue: deploy.queues.
BUILD_ROLES = (
    "roles/run.admin",
    "roles/cloudtasks.queueAdmin",
    "roles/cloudscheduler.admin",
    "roles/logging.logWriter",
)

#: Who submits a build: makes it, is counted for the APIs that gcloud calls, and reads its log.
SUBMITTER_ROLES = (
    "roles/cloudbuild.builds.editor",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/logging.viewer",
    # gcloud looks up whose bucket it is before it puts the sources into it.
    "roles/storage.bucketViewer",
)

SETTLES = "a new project, API or account is not known everywhere yet"


def set_up(cloud: Cloud, settings: Settings) -> None:
    """Create what is not there; nothing that is there is changed, and no key is ever made.

    Raises Unusable, with nothing of ours created, where the project cannot be what it must.
    """
    cloud.change("services", "enable", *(f"{api}.googleapis.com" for api in APIS))
    _check_regions(cloud, settings)
    databases = _read(cloud, "firestore", "databases", "list")
    _check_database(settings, databases)
    _create_stores(cloud, settings, databases)
    _create_accounts(cloud, settings)
    for words in _list_bindings(settings):
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
    if settings.database not in _last_parts(databases):
        _settle(
            cloud, "firestore", "databases", "create", f"--database={settings.database}",
            f"--location={_database_location(settings)}", "--type=datastore-mode",
        )  # fmt: skip
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


def _create_accounts(cloud: Cloud, settings: Settings) -> None:
    listed = _read(cloud, "iam", "service-accounts", "list")
    present = {account["email"] for account in listed}
    for name in ACCOUNTS:
        account = settings.account(name)
        if f"{account}@{settings.project}.iam.gserviceaccount.com" not in present:
            title = f"Amends in {settings.environment}: {name}"
            _settle(cloud, "iam", "service-accounts", "create", account, f"--display-name={title}")


def _list_bindings(settings: Settings) -> Iterator[list[str]]:
    """Yield the command for each role that somebody gets."""
    yield from _list_project_bindings(settings)
    yield from _list_storage_bindings(settings)
    for owner, member, role in _list_account_bindings(settings):
        yield [
            "iam", "service-accounts", "add-iam-policy-binding", settings.email(owner),
            f"--member={member}", f"--role={role}",
        ]  # fmt: skip
    for secret, target in list_secrets():
        yield [
            "secrets", "add-iam-policy-binding", secret,
            f"--member={settings.member(account_of(target, settings))}",
            "--role=roles/secretmanager.secretAccessor",
        ]  # fmt: skip


def _list_project_bindings(settings: Settings) -> Iterator[list[str]]:
    add = ["projects", "add-iam-policy-binding", settings.project]
    database = f"projects/{settings.project}/databases/{settings.database}"
    only = (
        f'expression=resource.name == "{database}" || resource.name.startsWith("{database}/"),'
        f"title={settings.named('amends-database')}"
    )
    for name, roles in DATABASE_ROLES.items():
        member = settings.member(getattr(settings, f"{name}_account"))
        for role in roles:
            yield [*add, f"--member={member}", f"--role={role}", f"--condition={only}"]
    build = settings.member(settings.build_account)
    for role in BUILD_ROLES:
        yield [*add, f"--member={build}", f"--role={role}", "--condition=None"]
    for member in split_list(settings.submitters):
        for role in SUBMITTER_ROLES:
            yield [*add, f"--member={member}", f"--role={role}", "--condition=None"]


def _list_storage_bindings(settings: Settings) -> Iterator[list[str]]:
    """Let the build read its source and write its images, and those who submit write sources."""
    bucket = [
        "storage", "buckets", "add-iam-policy-binding", f"gs://{settings.source_bucket}",
    ]  # fmt: skip
    build = f"--member={settings.member(settings.build_account)}"
    yield [*bucket, build, "--role=roles/storage.objectViewer"]
    yield [
        "artifacts", "repositories", "add-iam-policy-binding", settings.image_repository,
        f"--location={settings.region}", build, "--role=roles/artifactregistry.writer",
    ]  # fmt: skip
    for member in split_list(settings.submitters):
        yield [*bucket, f"--member={member}", "--role=roles/storage.objectUser"]


def _list_account_bindings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield which account may be used by whom, and how."""
    user = "roles/iam.serviceAccountUser"
    build = settings.member(settings.build_account)
    # The functions make tasks that call as the tasks account.
    yield settings.tasks_account, settings.member(settings.app_account), user
    # The build deploys services that run as these, and a job that calls as the scheduler.
    for account in (settings.app_account, settings.data_account, settings.scheduler_account):
        yield account, build, user
    # The build asks for a token of its own for the smoke test.
    yield settings.build_account, build, "roles/iam.serviceAccountOpenIdTokenCreator"
    for member in split_list(settings.submitters):
        yield settings.build_account, member, user


def _last_parts(listed: list[Any]) -> set[str]:
    return {each["name"].rpartition("/")[2] for each in listed}
