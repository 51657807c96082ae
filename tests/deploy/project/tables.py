"""Google Cloud's permissions and limits: one set of tables for both fakes.

From Google's references of roles, permissions, quotas and names.
"""

import re

#: The relevant permissions of each role; a trailing `*` stands for all with that prefix.
ROLES: dict[str, tuple[str, ...]] = {
    "roles/owner": ("*",),
    "roles/editor": ("run.*", "cloudtasks.*", "datastore.entities.*"),
    "roles/run.admin": ("run.*",),
    "roles/run.invoker": ("run.routes.invoke",),
    "roles/run.viewer": ("run.services.get", "run.services.list", "run.services.getIamPolicy"),
    "roles/cloudtasks.queueAdmin": ("cloudtasks.locations.*", "cloudtasks.queues.*"),
    "roles/cloudtasks.enqueuer": ("cloudtasks.tasks.create",),
    "roles/cloudscheduler.admin": ("cloudscheduler.*",),
    "roles/datastore.user": (
        "datastore.entities.*", "datastore.databases.get", "datastore.databases.getMetadata",
        "datastore.indexes.list",
    ),
    "roles/datastore.viewer": (
        "datastore.entities.get", "datastore.entities.list", "datastore.databases.get",
        "datastore.databases.getMetadata", "datastore.indexes.get", "datastore.indexes.list",
    ),
    "roles/datastore.indexAdmin": (
        "datastore.indexes.*", "datastore.databases.getMetadata", "datastore.operations.*",
    ),
    "roles/logging.logWriter": ("logging.logEntries.create",),
    "roles/logging.viewer": ("logging.logEntries.list", "logging.logs.list"),
    "roles/storage.objectViewer": ("storage.objects.get", "storage.objects.list"),
    "roles/storage.objectUser": ("storage.objects.*",),
    "roles/storage.bucketViewer": ("storage.buckets.get", "storage.buckets.list"),
    "roles/artifactregistry.writer": ("artifactregistry.repositories.uploadArtifacts",),
    "roles/iam.serviceAccountUser": ("iam.serviceAccounts.actAs", "iam.serviceAccounts.get"),
    "roles/iam.serviceAccountOpenIdTokenCreator": ("iam.serviceAccounts.getOpenIdToken",),
    "roles/iam.serviceAccountTokenCreator": (
        "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken",
    ),
    "roles/secretmanager.secretAccessor": ("secretmanager.versions.access",),
    "roles/cloudbuild.builds.editor": (
        "cloudbuild.builds.create", "cloudbuild.builds.get", "cloudbuild.builds.list",
    ),
    "roles/serviceusage.serviceUsageConsumer": ("serviceusage.services.use",),
}  # fmt: skip

#: The permission that a verb on a collection needs; custom verbs have their own rows.
COLLECTIONS: dict[tuple[str, str], str] = {
    ("run", "services"): "run.services",
    ("run", "revisions"): "run.revisions",
    ("cloudtasks", "queues"): "cloudtasks.queues",
    ("cloudscheduler", "jobs"): "cloudscheduler.jobs",
    ("artifactregistry", "repositories"): "artifactregistry.repositories",
    ("firestore", "databases"): "datastore.databases",
    ("firestore", "backupSchedules"): "datastore.backupSchedules",
    ("firestore", "indexes"): "datastore.indexes",
    ("firestore", "fields"): "datastore.indexes",
    ("iam", "serviceAccounts"): "iam.serviceAccounts",
    ("monitoring", "alertPolicies"): "monitoring.alertPolicies",
    ("logging", "metrics"): "logging.logMetrics",
    ("logging", "sinks"): "logging.sinks",
    ("storage", "b"): "storage.buckets",
    ("secretmanager", "secrets"): "secretmanager.secrets",
}

#: APIs that are on in every project.
ALWAYS_ON = {"cloudresourcemanager", "serviceusage", "storage", "logging", "monitoring", "iam"}

#: The locations of Cloud Tasks and Cloud Scheduler, and of databases.
TASKS_REGIONS = ("europe-west1", "europe-west2", "us-central1")
DATABASE_LOCATIONS = ("europe-west1", "europe-north1", "us-central1", "eur3", "nam5")

#: The seconds until a write is known everywhere.
IAM_SPREADS = 7.0
API_SPREADS = 20.0
ACCOUNT_SPREADS = 9.0
METRIC_SPREADS = 180.0
INDEX_BUILDS = 240.0
REVISION_STARTS = 6.0

#: The quota of writes to Cloud Run per minute, project and region.
RUN_WRITES = 180

MAX_SERVICE = 49
MAX_REVISION = 63
MAX_TAGGED = 46
MAX_LABEL = 63

ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
LABEL = re.compile(r"[a-z0-9_-]{0,63}")

#: Types of members whose address IAM stores in lower case.
ADDRESSES = ("user:", "group:", "serviceAccount:", "domain:")
KINDS = (*ADDRESSES, "principal:", "principalSet:", "deleted:")
EVERYBODY = ("allUsers", "allAuthenticatedUsers")


def grants(role: str, permission: str) -> bool:
    """Return whether a role has a permission."""
    return any(
        permission == each or (each.endswith("*") and permission.startswith(each[:-1]))
        for each in ROLES.get(role, ())
    )
