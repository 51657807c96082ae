"""One deployment's settings, from the build's substitutions or from `make setup PROJECT=...`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

#: The folder that holds main.py, queues.yaml and index.yaml.
PROJECT = Path(__file__).resolve().parent.parent

#: "functions": every function is a service. "api": one service has all functions; the worker and
#: the sweep are services of their own.
MODES = ("functions", "api")

#: The prefix of every name in an environment, such as `staging-`.
PREFIX = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?-")

#: The URL of a domain or a load balancer, or the id of an OAuth client.
AUDIENCE = re.compile(r"https://[a-z0-9.-]+(:\d+)?|[0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com")
COMMIT = re.compile(r"[0-9a-f]{7,40}")

#: Names that IAM and Firestore accept.
ACCOUNT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")

#: The service accounts, as the settings call them.
ACCOUNTS = ("app", "data", "tasks", "scheduler", "build")

#: Firestore keeps backups for at most 14 weeks.
MAX_BACKUP_DAYS = 98

#: A project's default database.
DEFAULT = "(default)"

#: The members that can be a caller, an operator or a submitter. allUsers and allAuthenticatedUsers
#: cannot: main.py says which functions are public.
MEMBER = re.compile(r"(user|group|serviceAccount|domain|principal|principalSet):\S+")
PERSONS = ("user:", "serviceAccount:")


class Unusable(ValueError):
    """A setting is missing or wrong; the message says which one, and what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment; each field is an environment variable of the same name in capitals."""

    project: str
    #: The build needs it to compute each service's URL before the service exists.
    project_number: str = ""
    region: str = "europe-west1"
    #: The prefix of all names in this environment (services, queues, the job, accounts, the
    #: repository, metrics and alerts), so that one project can have several environments.
    prefix: str = ""
    #: The region of the queues and of the sweep's job; `region` if empty. Cloud Tasks and Cloud
    #: Scheduler are not available in every region.
    tasks_region: str = ""
    #: Where setup creates the database: a region, or a multi-region such as eur3 or nam5.
    database_location: str = ""
    #: How many days each daily backup is kept, at most 98; 0 for no backups.
    backup_days: str = "14"
    #: The Artifact Registry repository of the image.
    repository: str = "amends"
    #: If empty: `(default)`, or with a prefix the environment's own.
    database: str = ""
    mode: str = "functions"
    #: The number of copies of each queue in queues.yaml.
    queue_count: str = "1"
    #: Who may call the functions for callers: IAM members, separated by commas.
    callers: str = ""
    #: Who may operate sagas, in the same format. `api` mode accepts only people and service
    #: accounts.
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
    #: Audiences of tokens in addition to a service's own URL, separated by commas: the URLs of a
    #: load balancer or of your own domain.
    audiences: str = ""
    #: The commit of the build, for the services' label; empty if a folder is submitted.
    commit: str = ""
    #: The percentage of the traffic that a release moves; all of it if empty.
    canary: str = ""
    #: "0": no smoke test, for example because the queues must stay paused.
    smoke: str = "1"
    #: How often the sweep runs, as unix-cron.
    sweep_schedule: str = "* * * * *"
    #: How many days finished sagas are kept.
    retention_days: str = "90"
    #: Where OpenTelemetry sends spans and metrics; nowhere if empty.
    otlp_endpoint: str = ""
    #: The base image, by tag or digest; the build records its digest in a label of the image.
    base_image: str = "python:3.11-slim"
    #: Monitoring's notification channels for the alerts, separated by commas.
    channels: str = ""

    def __post_init__(self) -> None:
        """Set the default database if none is set."""
        if not self.database:
            object.__setattr__(self, "database", self.named("amends") if self.prefix else DEFAULT)

    def named(self, name: str) -> str:
        """Return a name with the environment's prefix."""
        return f"{self.prefix}{name}"

    def account(self, name: str) -> str:
        """Return the id of a service account: "app", "data", "tasks", "scheduler" or "build"."""
        return self.named(getattr(self, f"{name}_account"))

    def email(self, account: str) -> str:
        """Return the email address of a service account, by its name in the settings."""
        return f"{self.named(account)}@{self.project}.iam.gserviceaccount.com"

    def member(self, account: str) -> str:
        """Return a service account as IAM policies name it."""
        return f"serviceAccount:{self.email(account)}"

    @property
    def environment(self) -> str:
        """This deployment's name in titles."""
        return f"{self.project}/{self.label}" if self.prefix else self.project

    @property
    def canary_percent(self) -> int:
        """The percentage of the traffic that a release moves: 1 to 100."""
        return int(self.canary or "100")

    @property
    def label(self) -> str:
        """The environment's name: its prefix without the hyphen; empty without a prefix."""
        return self.prefix.removesuffix("-")

    @property
    def image_repository(self) -> str:
        """The Artifact Registry repository; only the environment's own build writes its images."""
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
        """The bucket that `gcloud builds submit` uploads sources to; gcloud chooses its name."""
        safe = self.project.replace(":", "_").replace(".", "_").replace("google", "elgoog")
        return f"{safe}_cloudbuild"


def split_list(text: str) -> list[str]:
    """Return the items of a comma-separated list, without surrounding spaces."""
    return [item.strip() for item in text.split(",") if item.strip()]


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment; Unusable if one is wrong."""
    names = [field.name for field in fields(Settings)]
    stated = {name: environment[name.upper()] for name in names if environment.get(name.upper())}
    if "project" not in stated:
        raise Unusable("PROJECT is missing: set PROJECT=...")
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
                f"AUDIENCES has {audience!r}: write the audience that tokens name, such as "
                "https://orders.example.com, without a path"
            )
    if settings.commit and not COMMIT.fullmatch(settings.commit):
        raise Unusable(f"COMMIT is a commit's hash, not {settings.commit!r}")
    if settings.smoke not in ("0", "1"):
        raise Unusable(f"SMOKE is 1, or 0 for no smoke test; not {settings.smoke!r}")
    days = settings.backup_days
    if not _is_number(days) or int(days) > MAX_BACKUP_DAYS:
        raise Unusable(f"BACKUP_DAYS is 0, or 1 to {MAX_BACKUP_DAYS} days, not {days!r}")
    _check_names(settings)
    count = settings.queue_count
    if not _is_number(count) or not 0 < int(count) <= 100:
        raise Unusable(f"QUEUE_COUNT is a number from 1 to 100, not {count!r}")


def _check_names(settings: Settings) -> None:
    """Raise Unusable for names that Google refuses, or that two environments would share."""
    prefix = settings.prefix
    if prefix and not PREFIX.fullmatch(prefix):
        raise Unusable(
            f"PREFIX has lower-case letters, digits and hyphens, starts with a letter and ends "
            f"with a hyphen, such as staging-; not {prefix!r}"
        )
    for name in ACCOUNTS:
        if not ACCOUNT.fullmatch(account := settings.account(name)):
            raise Unusable(
                f"{account} is not a valid name of a service account ({len(account)} characters; "
                f"it needs 6 to 30 lower-case letters, digits and hyphens): choose a shorter "
                f"PREFIX, or another {name.upper()}_ACCOUNT"
            )
    if not DATABASE.fullmatch(settings.database):
        raise Unusable(
            f"{settings.database!r} is not a valid name of a database (4 to 63 lower-case letters, "
            "digits and hyphens): set another DATABASE"
        )
    if prefix and settings.database == DEFAULT:
        raise Unusable(
            f"the database {DEFAULT} belongs to the environment without a PREFIX: leave out "
            f"DATABASE to use {prefix}amends, or set another one"
        )


def _check_members(name: str, members: list[str]) -> None:
    for member in members:
        if member.lower().startswith(("allusers", "allauthenticatedusers")):
            raise Unusable(
                f"{name} cannot be {member}: that would open every private function. To let "
                'everyone call one function, write invoker="public" in main.py\'s table'
            )
        if not MEMBER.fullmatch(member):
            raise Unusable(
                f"{name} has {member!r}, which is not an IAM member: write user:ann@example.com, "
                "group:ops@example.com or serviceAccount:shop@my-project.iam.gserviceaccount.com"
            )


def _check_operators(settings: Settings) -> None:
    """Raise Unusable for operators that only IAM knows, if callers share their service."""
    if settings.mode != "api":
        return
    for member in split_list(settings.operators):
        if not member.startswith(PERSONS):
            raise Unusable(
                f"OPERATORS has {member}: with MODE=api write only people (user:...) and service "
                "accounts (serviceAccount:...), because the code cannot look up other members"
            )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
