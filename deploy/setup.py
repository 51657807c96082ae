"""What a project needs once, before the first build: identities, roles, APIs, stores."""

from collections.abc import Iterator
from typing import Any

from deploy.gcloud import Gcloud
from deploy.settings import Settings

APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudscheduler",
    "cloudtasks",
    "datastore",
    "firestore",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "run",
    "storage",
)

#: What each account may do in the whole project; roles on a single thing are given in `_bind_*`.
PROJECT_ROLES = {
    # The functions: their data, and new tasks.
    "app_account": ("roles/datastore.user", "roles/cloudtasks.enqueuer"),
    # Cloud Tasks and Cloud Scheduler call by these; the build lets each call one service.
    "tasks_account": (),
    "scheduler_account": (),
    # The build: services and who may call them, queues, the job, indexes and TTL policies, a look
    # at unfinished sagas, its own log.
    "build_account": (
        "roles/run.admin",
        "roles/cloudtasks.queueAdmin",
        "roles/cloudscheduler.admin",
        "roles/datastore.indexAdmin",
        "roles/datastore.viewer",
        "roles/logging.logWriter",
    ),
}


def set_up(gcloud: Gcloud, settings: Settings) -> None:
    """Create what is not there; nothing that is there is changed, and no key is ever made."""
    gcloud.change("services", "enable", *(f"{api}.googleapis.com" for api in APIS))
    _create_stores(gcloud, settings)
    _create_accounts(gcloud, settings)
    for account, roles in PROJECT_ROLES.items():
        for role in roles:
            gcloud.change(
                "projects", "add-iam-policy-binding", settings.project,
                f"--member={settings.member(getattr(settings, account))}", f"--role={role}",
                "--condition=None",
            )  # fmt: skip
    _bind_storage(gcloud, settings)
    _bind_accounts(gcloud, settings)


def _create_stores(gcloud: Gcloud, settings: Settings) -> None:
    """Create the database, the repository of images, and the bucket that builds read from."""
    location = f"--location={settings.region}"
    listed = gcloud.read("firestore", "databases", "list") or []
    if settings.database not in _last_parts(listed):
        gcloud.change(
            "firestore", "databases", "create", f"--database={settings.database}", location,
            "--type=datastore-mode",
        )  # fmt: skip
    listed = gcloud.read("artifacts", "repositories", "list", location) or []
    if settings.repository not in _last_parts(listed):
        gcloud.change(
            "artifacts", "repositories", "create", settings.repository, location,
            "--repository-format=docker",
        )  # fmt: skip
    listed = gcloud.read("storage", "buckets", "list") or []
    if f"{settings.project}_cloudbuild" not in _last_parts(listed):
        gcloud.change(
            "storage", "buckets", "create", f"gs://{settings.project}_cloudbuild", location,
            "--uniform-bucket-level-access",
        )  # fmt: skip


def _create_accounts(gcloud: Gcloud, settings: Settings) -> None:
    listed = gcloud.read("iam", "service-accounts", "list") or []
    present = {account["email"] for account in listed}
    for field in PROJECT_ROLES:
        account = getattr(settings, field)
        if settings.email(account) not in present:
            title = f"Amends: {field.removesuffix('_account')}"
            gcloud.change("iam", "service-accounts", "create", account, f"--display-name={title}")


def _bind_storage(gcloud: Gcloud, settings: Settings) -> None:
    """Let the build read its source and write its images, and nothing else that is stored."""
    build = f"--member={settings.member(settings.build_account)}"
    gcloud.change(
        "storage", "buckets", "add-iam-policy-binding", f"gs://{settings.project}_cloudbuild",
        build, "--role=roles/storage.objectViewer",
    )  # fmt: skip
    gcloud.change(
        "artifacts", "repositories", "add-iam-policy-binding", settings.repository,
        f"--location={settings.region}", build, "--role=roles/artifactregistry.writer",
    )  # fmt: skip


def _bind_accounts(gcloud: Gcloud, settings: Settings) -> None:
    for owner, user, role in _list_account_bindings(settings):
        gcloud.change(
            "iam", "service-accounts", "add-iam-policy-binding", settings.email(owner),
            f"--member={settings.member(user)}", f"--role={role}",
        )  # fmt: skip


def _list_account_bindings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield which account may be used by which other, and how."""
    user = "roles/iam.serviceAccountUser"
    # The functions make tasks that call as the tasks account.
    yield settings.tasks_account, settings.app_account, user
    # The build deploys services that run as the app, and a job that calls as the scheduler.
    yield settings.app_account, settings.build_account, user
    yield settings.scheduler_account, settings.build_account, user
    # The build asks for a token of its own for the smoke test.
    token = "roles/iam.serviceAccountOpenIdTokenCreator"  # noqa: S105
    yield settings.build_account, settings.build_account, token


def _last_parts(listed: list[Any]) -> set[str]:
    return {each["name"].rpartition("/")[2] for each in listed}
