"""What one deployment is told: by the build's substitutions, or by `make setup PROJECT=...`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

#: The folder that holds main.py, queues.yaml and index.yaml.
PROJECT = Path(__file__).resolve().parent.parent

#: "functions": every function a service of its own. "api": all of them behind one service, with
#: the worker and the sweep beside it.
MODES = ("functions", "api")


class Unusable(ValueError):
    """A setting is missing or wrong; the message says which one, and what to say instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment; each field is an environment variable of the same name in capitals."""

    project: str
    #: Needed by the build alone, to know each service's address before there is one.
    project_number: str = ""
    region: str = "europe-west1"
    #: The Artifact Registry repository of the image.
    repository: str = "amends"
    database: str = "(default)"
    mode: str = "functions"
    #: So many of each queue of queues.yaml.
    queue_count: str = "1"
    #: Who may call the functions that are for callers: IAM members, separated by commas.
    callers: str = ""
    #: Who may operate sagas, likewise. `api` mode knows persons and service accounts alone.
    operators: str = ""
    app_account: str = "amends-app"
    tasks_account: str = "amends-tasks"
    scheduler_account: str = "amends-scheduler"
    build_account: str = "amends-build"
    #: How often the sweep runs, as unix-cron.
    sweep_schedule: str = "* * * * *"
    #: How long finished sagas are kept.
    retention_days: str = "90"
    #: Where OpenTelemetry sends spans and metrics; nowhere if empty.
    otlp_endpoint: str = ""
    #: Monitoring's notification channels for the alerts, separated by commas.
    channels: str = ""

    def email(self, account: str) -> str:
        """Return the e-mail address of one of the service accounts."""
        return f"{account}@{self.project}.iam.gserviceaccount.com"

    def member(self, account: str) -> str:
        """Return a service account as IAM policies name it."""
        return f"serviceAccount:{self.email(account)}"

    @property
    def image(self) -> str:
        """The image's name, without a tag."""
        return f"{self.region}-docker.pkg.dev/{self.project}/{self.repository}/amends"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return what the environment says; Unusable when it cannot be deployed so."""
    names = [field.name for field in fields(Settings)]
    stated = {name: environment[name.upper()] for name in names if environment.get(name.upper())}
    if "project" not in stated:
        raise Unusable("which project? say PROJECT=...")
    settings = Settings(**stated)
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.region == "global":
        raise Unusable("Cloud Run has no region `global`: submit the build with --region=...")
    if settings.mode not in MODES:
        raise Unusable(f"MODE is {' or '.join(MODES)}, not {settings.mode!r}")
    groups = [each for each in settings.operators.split(",") if each and not _has_address(each)]
    if settings.mode == "api" and groups:
        raise Unusable(
            f"in MODE=api the code looks at who operates, and cannot look into {groups[0]!r}: "
            "name user:... or serviceAccount:... in OPERATORS"
        )
    if not _is_number(settings.retention_days):
        raise Unusable(f"RETENTION_DAYS is a number of days, not {settings.retention_days!r}")
    count = settings.queue_count
    if not _is_number(count) or not 0 < int(count) <= 100:
        raise Unusable(f"QUEUE_COUNT is a number from 1 to 100, not {count!r}")


def _has_address(member: str) -> bool:
    return member.startswith(("user:", "serviceAccount:"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
