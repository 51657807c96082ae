"""The build's steps, as cloudbuild.yaml calls `python -m deploy`, on a project in memory."""

from deploy.__main__ import prepare, release
from deploy.cloud_run.invokers import admit_helpers
from deploy.rollout import revisions
from deploy.rollout.smoke import try_next_revision
from deploy.settings import Settings
from tests.deploy.cloud import IMAGE, SETTINGS, Cloud


def put_beside(cloud: Cloud, image: str = IMAGE, settings: Settings = SETTINGS) -> None:
    """Run the step `stage`."""
    revisions.stage(cloud, settings, image)
    admit_helpers(cloud, settings)


def build(cloud: Cloud, image: str = IMAGE, settings: Settings = SETTINGS) -> None:
    """Run the rest of a build after its tests and its image."""
    prepare(cloud, settings)
    put_beside(cloud, image, settings)
    try_next_revision(cloud, settings, cloud.project.fetch)
    release(cloud, settings)


def deployed_by(changes: list[str]) -> list[str]:
    """Return the deployed services, in order."""
    lines = [line.split("?")[0] for line in changes if "?allowMissing=true" in line]
    return [line.rpartition("/")[2] for line in lines]


def moved_by(changes: list[str]) -> list[str]:
    """Return the services whose traffic was changed, in order."""
    lines = [line.split("?")[0] for line in changes if "?updateMask=traffic" in line]
    return [line.rpartition("/")[2] for line in lines]
