"""The Cloud Scheduler job that calls the sweep."""

from deploy.gcloud import Gcloud
from deploy.services import SWEEP, url_of
from deploy.settings import Settings
from main import FUNCTIONS

NAME = SWEEP.replace("_", "-")


def apply_schedule(gcloud: Gcloud, settings: Settings) -> None:
    """Create the job, or bring it to what it is to be."""
    location = f"--location={settings.region}"
    listed = gcloud.read("scheduler", "jobs", "list", location) or []
    present = {job["name"].rpartition("/")[2] for job in listed}
    url = url_of(NAME, settings)
    gcloud.change(
        "scheduler", "jobs", "update" if NAME in present else "create", "http", NAME, location,
        f"--schedule={settings.sweep_schedule}",
        f"--uri={url}/{NAME}",
        "--http-method=POST",
        f"--attempt-deadline={FUNCTIONS[SWEEP].timeout}s",
        f"--oidc-service-account-email={settings.email(settings.scheduler_account)}",
        f"--oidc-token-audience={url}",
    )  # fmt: skip
