"""The Cloud Scheduler job that calls the sweep."""

from deploy.cloud.client import Cloud
from deploy.cloud_run.services import SWEEP, url_of
from deploy.settings import Settings
from deploy.table import deployed_name
from main import FUNCTIONS


def apply_schedule(cloud: Cloud, settings: Settings) -> None:
    """Create or update the job."""
    name, location = deployed_name(SWEEP, settings), f"--location={settings.tasks_location}"
    listed = cloud.read("scheduler", "jobs", "list", location) or []
    present = {job["name"].rpartition("/")[2] for job in listed}
    url = url_of(SWEEP, settings)
    cloud.change(
        "scheduler", "jobs", "update" if name in present else "create", "http", name, location,
        f"--schedule={settings.sweep_schedule}",
        f"--uri={url}/{SWEEP.replace('_', '-')}",
        "--http-method=POST",
        f"--attempt-deadline={FUNCTIONS[SWEEP].timeout}s",
        f"--oidc-service-account-email={settings.email(settings.scheduler_account)}",
        f"--oidc-token-audience={url}",
    )  # fmt: skip
