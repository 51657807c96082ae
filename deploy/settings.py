"""What one deployment is told: by the build's substitutions, or by `make setup PROJECT=...`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

#: The folder that holds main.py, queues.yaml and index.yaml.
PROJECT = Path(__file__).resolve().parent.parent

#: "functions": every function a service of its own. "api": all of them behind one service, with
#: the worker and the sweep beside it.
MODES = ("functions", "api")

#: What goes before every name of an environment: such as `staging-`.
PREFIX = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?-")

#: The address of a domain or a load balancer, or the name of a client of OAuth.
AUDIENCE = re.compile(r"https://[a-z0-9.-]+(:\d+)?|[0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com")
COMMIT = re.compile(r"[0-9a-f]{7,40}")

#: Names as IAM and Firestore take them.
ACCOUNT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")

#: The service accounts, as the settings call them.
ACCOUNTS = ("app", "data", "tasks", "scheduler", "build")

#: Firestore keeps a backup for 14 weeks at most.
MAX_BACKUP_DAYS = 98

#: The database that every project can have without naming it.
DEFAULT = "(default)"

#: Who can be named as a caller, an operator or a submitter. allUsers and allAuthenticatedUsers
#: cannot: a function that is open to everybody says so in main.py.
MEMBER = re.compile(r"(user|group|serviceAccount|domain|principal|principalSet):\S+")
PERSONS = ("user:", "serviceAccount:")


class Unusable(ValueError):
    """A setting is missing or wrong; the message says which one, and what to say instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment; each field is an environment variable of the same name in capitals."""

    project: str
    #: Needed by the build alone, to know each service's address before there is one.
    project_number: str = ""
    region: str = "europe-west1"
    #: Goes before the name of everything of this environment, so that several can be in one
    #: project: services, queues, the job, accounts, the repository, metrics and alerts.
    prefix: str = ""
    #: Where the queues and the sweep's job are; where the services are, if empty. Cloud Tasks and
    #: Cloud Scheduler are not in every region.
    tasks_region: str = ""
    #: Where set-up makes the database: a region, or a multi-region such as eur3 or nam5.
    database_location: str = ""
    #: So many days the backup of each day is kept, 98 at most; 0: no backups are scheduled.
    backup_days: str = "14"
    #: The Artifact Registry repository of the image.
    repository: str = "amends"
    #: `(default)` if nothing is said, and with a prefix one of the environment's own.
    database: str = ""
    mode: str = "functions"
    #: So many of each queue of queues.yaml.
    queue_count: str = "1"
    #: Who may call the functions that are for callers: IAM members, separated by commas.
    callers: str = ""
    #: Who may operate sagas, likewise. `api` mode knows persons and service accounts alone.
    operators: str = ""
    #: Who may submit builds.
    submitters: str = ""
    app_account: str = "amends-app"
    data_account: str = "amends-data"
    tasks_account: str = "amends-tasks"
    scheduler_account: str = "amends-scheduler"
    build_account: str = "amends-build"
    #: How many instances of 1 vCPU this environment may have: the region's quota, or a part of it.
    instances: str = "1000"
    #: What else a token may be for than a service's own address, separated by commas: the
    #: addresses of a load balancer or of a domain of one's own.
    audiences: str = ""
    #: The commit that is built, for the services' label; none if somebody submits a folder.
    commit: str = ""
    #: So many percent of the traffic a release moves; all of it, if empty.
    canary: str = ""
    #: "0": no saga is run through what is staged, as when the queues have to stay paused.
    smoke: str = "1"
    #: How often the sweep runs, as unix-cron.
    sweep_schedule: str = "* * * * *"
    #: How long finished sagas are kept.
    retention_days: str = "90"
    #: "1": TTL policies delete what is left of finished sagas, and not the sweep.
    ttl: str = ""
    #: Where OpenTelemetry sends spans and metrics; nowhere if empty.
    otlp_endpoint: str = ""
    #: What the image is based on; the build writes its digest into the image. One that has a
    #: digest already is taken by it.
    base_image: str = "python:3.11-slim"
    #: Monitoring's notification channels for the alerts, separated by commas.
    channels: str = ""

    def __post_init__(self) -> None:
        """Choose the database, where none was stated."""
        if not self.database:
            object.__setattr__(self, "database", self.named("amends") if self.prefix else DEFAULT)

    def named(self, name: str) -> str:
        """Return a name as it is in this environment."""
        return f"{self.prefix}{name}"

    def account(self, name: str) -> str:
        """Return the id of a service account: "app", "data", "tasks", "scheduler" or "build"."""
        return self.named(getattr(self, f"{name}_account"))

    def email(self, account: str) -> str:
        """Return the address of one of the service accounts, by what the settings call it."""
        return f"{self.named(account)}@{self.project}.iam.gserviceaccount.com"

    def member(self, account: str) -> str:
        """Return a service account as IAM policies name it."""
        return f"serviceAccount:{self.email(account)}"

    @property
    def environment(self) -> str:
        """What tells this deployment from others, for titles that people read."""
        return f"{self.project}/{self.label}" if self.prefix else self.project

    @property
    def canary_percent(self) -> int:
        """How much of the traffic a release moves: 1 to 100."""
        return int(self.canary or "100")

    @property
    def label(self) -> str:
        """The environment's name: its prefix without the hyphen; nothing without a prefix."""
        return self.prefix.removesuffix("-")

    @property
    def image_repository(self) -> str:
        """The name of the Artifact Registry repository: what an environment runs, only its own
        build has written."""
        return self.named(self.repository)

    @property
    def image(self) -> str:
        """The image's name, without a tag."""
        return f"{self.region}-docker.pkg.dev/{self.project}/{self.image_repository}/amends"

    @property
    def tasks_location(self) -> str:
        """The region of the queues and of the sweep's job."""
        return self.tasks_region or self.region

    @property
    def source_bucket(self) -> str:
        """The bucket that `gcloud builds submit` puts the sources into, by its own rule."""
        safe = self.project.replace(":", "_").replace(".", "_").replace("google", "elgoog")
        return f"{safe}_cloudbuild"


def split_list(text: str) -> list[str]:
    """Return the items of a list with commas; spaces around them are nobody's intention."""
    return [item.strip() for item in text.split(",") if item.strip()]


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return what the environment says; Unusable when it cannot be deployed so."""
    names = [field.name for field in fields(Settings)]
    stated = {name: environment[name.upper()] for name in names if environment.get(name.upper())}
    if "project" not in stated:
        raise Unusable("which project? say PROJECT=...")
    settings = Settings(**stated)
    _check(settings)
    for name in ("callers", "operators", "submitters"):
        _check_members(name.upper(), split_list(getattr(settings, name)))
    _check_operators(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.region == "global":
        raise Unusable("Cloud Run has no region `global`: submit the build with --region=...")
    if settings.mode not in MODES:
        raise Unusable(f"MODE is {' or '.join(MODES)}, not {settings.mode!r}")
    if not _is_number(settings.retention_days):
        raise Unusable(f"RETENTION_DAYS is a number of days, not {settings.retention_days!r}")
    if settings.canary and not (_is_number(settings.canary) and 0 < int(settings.canary) <= 100):
        raise Unusable(f"CANARY is 1 to 100 percent of the traffic, not {settings.canary!r}")
    if not _is_number(settings.instances):
        raise Unusable(f"INSTANCES is a number of instances, not {settings.instances!r}")
    for audience in split_list(settings.audiences):
        if not AUDIENCE.fullmatch(audience):
            raise Unusable(
                f"AUDIENCES has {audience!r}: say what tokens name as their audience, such as "
                "https://orders.example.com, without a path"
            )
    if settings.commit and not COMMIT.fullmatch(settings.commit):
        raise Unusable(f"COMMIT is a commit's hash, not {settings.commit!r}")
    if settings.smoke not in ("0", "1"):
        raise Unusable(f"SMOKE is 1, or 0 for no smoke test; not {settings.smoke!r}")
    if settings.ttl not in ("", "0", "1"):
        raise Unusable(f"TTL is 1 or nothing, not {settings.ttl!r}")
    days = settings.backup_days
    if not _is_number(days) or int(days) > MAX_BACKUP_DAYS:
        raise Unusable(f"BACKUP_DAYS is 0, or 1 to {MAX_BACKUP_DAYS} days, not {days!r}")
    _check_names(settings)
    count = settings.queue_count
    if not _is_number(count) or not 0 < int(count) <= 100:
        raise Unusable(f"QUEUE_COUNT is a number from 1 to 100, not {count!r}")


def _check_names(settings: Settings) -> None:
    """Refuse names that Google would not take, or that two environments would share."""
    prefix = settings.prefix
    if prefix and not PREFIX.fullmatch(prefix):
        raise Unusable(
            f"PREFIX is small letters, digits and hyphens, with a letter first and a hyphen last, "
            f"such as staging-; not {prefix!r}"
        )
    for name in ACCOUNTS:
        if not ACCOUNT.fullmatch(account := settings.account(name)):
            raise Unusable(
                f"{account} is no name of a service account ({len(account)} characters; 6 to 30 "
                f"of small letters, digits and hyphens): choose a shorter PREFIX, or another "
                f"{name.upper()}_ACCOUNT"
            )
    if not DATABASE.fullmatch(settings.database):
        raise Unusable(
            f"{settings.database!r} is no name of a database (4 to 63 small letters, digits and "
            "hyphens): say another DATABASE"
        )
    if prefix and settings.database == DEFAULT:
        raise Unusable(
            f"the database {DEFAULT} is for the environment without a PREFIX: leave DATABASE out, "
            f"for {prefix}amends, or name another"
        )


def _check_members(name: str, members: list[str]) -> None:
    for member in members:
        if member.lower().startswith(("allusers", "allauthenticatedusers")):
            raise Unusable(
                f"{name} cannot be {member}: that would open every private function. Of a function "
                'that everybody may call, say invoker="public" in main.py\'s table'
            )
        if not MEMBER.fullmatch(member):
            raise Unusable(
                f"{name} has {member!r}, which is no IAM member: say user:ann@example.com, "
                "group:ops@example.com or serviceAccount:shop@my-project.iam.gserviceaccount.com"
            )


def _check_operators(settings: Settings) -> None:
    """Refuse operators whom only IAM could tell from callers, where both share one service."""
    if settings.mode != "api":
        return
    for member in split_list(settings.operators):
        if not member.startswith(PERSONS):
            raise Unusable(
                f"OPERATORS has {member}: with MODE=api name persons (user:...) and service "
                "accounts (serviceAccount:...), since only IAM knows who else that is"
            )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
