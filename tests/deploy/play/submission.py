"""Submitting a build: the whole repository, by the real gcloud, and the request to Cloud Build."""

import subprocess

from deploy.settings import PROJECT
from tests.deploy.play.stage import Theatre

COMMAND = ["gcloud", "beta", "builds", "submit", "--region=europe-west1", "--async"]


def play_submission(cloud: Theatre, submitter: str) -> None:
    """Submit as a stranger, who is refused, and as a configured submitter."""
    assert submit(cloud, "user:eve@example.com") != 0
    assert cloud.project.builds == []
    assert submit(cloud, submitter) == 0
    (build,) = cloud.project.builds
    print(f"  the build has the steps {', '.join(step['id'] for step in build['steps'])}")


def submit(cloud: Theatre, member: str) -> int:
    """Submit the build as a member; print requests and answers, return the exit code."""
    cloud.act_as(member)
    heard = len(cloud.project.log)
    done = subprocess.run(
        [*COMMAND, f"--project={cloud.project.state.project}", "--quiet"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    cloud.commands += 1
    complaint = done.stderr.strip().splitlines()[-1] if done.returncode else ""
    print(f"  as {member}:")
    cloud.show_answers(" ".join(COMMAND), cloud.project.log[heard:], complaint)
    return done.returncode
