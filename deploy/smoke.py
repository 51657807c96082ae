"""One read through a new revision, before anybody else gets to see it."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable

from deploy.gcloud import Gcloud
from deploy.services import NEXT, SMOKE, url_of
from deploy.settings import Settings

#: A binding of IAM takes up to two minutes to be known everywhere.
PATIENCE = 180.0
PAUSE = 5.0

#: Sends a GET with a bearer token; returns the status and the body.
Fetch = Callable[[str, str], tuple[int, str]]


class SmokeFailed(RuntimeError):
    """The new revision does not answer as it should; no traffic was moved."""


def fetch(url: str, token: str) -> tuple[int, str]:
    """Send a GET and return the status and the body, whatever they are; 0 without an answer."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except OSError as failure:
        return 0, str(failure)


def try_next_revision(
    gcloud: Gcloud,
    settings: Settings,
    fetch: Fetch = fetch,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Return the body that the staged revision answers with; SmokeFailed if it is no 200 in time.

    The build has no identity token of its own to be had from where it runs: it asks IAM for one
    of its own service account.
    """
    name = SMOKE.replace("_", "-")
    service = name if settings.mode == "functions" else "api"
    token = gcloud.text(
        "auth", "print-identity-token", "--include-email",
        f"--impersonate-service-account={settings.email(settings.build_account)}",
        f"--audiences={url_of(service, settings)}",
    )  # fmt: skip
    url, ends = f"{url_of(service, settings, NEXT)}/{name}", clock() + PATIENCE
    while True:
        status, body = fetch(url, token)
        if status == 200:
            return body
        if clock() > ends:
            raise SmokeFailed(f"{url} answers {status}, and no traffic was moved: {body[:500]}")
        sleep(PAUSE)
