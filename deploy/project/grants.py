"""The roles that setup grants once, before the first build."""

from collections.abc import Iterator

from deploy.settings import Settings, split_list
from deploy.table import account_of, list_secrets

#: The accounts' roles on our database; they have none on the project's other databases.
DATABASE_ROLES = {
    "app": ("roles/datastore.user",),
    "data": ("roles/datastore.user",),
    # The build creates indexes and TTL policies and reads unfinished sagas; it writes no data.
    "build": ("roles/datastore.indexAdmin", "roles/datastore.viewer"),
}

#: The roles of the build in the whole project: for services and who may call them, for queues and
#: who may enqueue, for the job, and for its own log. The functions have their role on each queue
#: (see deploy.stores.queues).
BUILD_ROLES = (
    "roles/run.admin",
    "roles/cloudtasks.queueAdmin",
    "roles/cloudscheduler.admin",
    "roles/logging.logWriter",
)

#: The roles of a submitter: to create builds, to use the quota of the APIs that gcloud calls, and
#: to read the log.
SUBMITTER_ROLES = (
    "roles/cloudbuild.builds.editor",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/logging.viewer",
    # gcloud checks who owns the bucket before it uploads the sources.
    "roles/storage.bucketViewer",
)


def list_bindings(settings: Settings) -> Iterator[list[str]]:
    """Yield the gcloud command that grants each role."""
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
    """Let the build read its sources and write its images, and let submitters write sources."""
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
    """Yield each account, a member that may use it, and the role."""
    user = "roles/iam.serviceAccountUser"
    build = settings.member(settings.build_account)
    # The functions create tasks that call as the tasks account.
    yield settings.tasks_account, settings.member(settings.app_account), user
    # The build deploys services that run as these accounts, and a job that calls as the scheduler.
    for account in (settings.app_account, settings.data_account, settings.scheduler_account):
        yield account, build, user
    # The build creates a token of its own account for the smoke test.
    yield settings.build_account, build, "roles/iam.serviceAccountOpenIdTokenCreator"
    for member in split_list(settings.submitters):
        yield settings.build_account, member, user
