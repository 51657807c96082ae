"""Runs a probe saga through the staged revisions before they get any traffic."""

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from deploy.cloud.client import Cloud
from deploy.cloud.gcloud import fetch
from deploy.cloud_run.services import url_of
from deploy.settings import Settings
from deploy.table import API, NEXT

#: An IAM binding takes up to two minutes to propagate, and the queue retries a refused task after a
#: minute.
PATIENCE = timedelta(minutes=5)
PAUSE = timedelta(seconds=3)

#: The probe saga, in the table of domain/sagas.py.
PROBE = "deployment-probe"

#: Transient statuses: the binding has not propagated, or an instance is starting.
NOT_YET = (0, 401, 403, 404, 429, 500, 502, 503, 504)

#: Sends a request with a bearer token and a JSON body; returns the status and the body.
Fetch = Callable[[str, str, str, Any], tuple[int, str]]


class SmokeFailed(RuntimeError):
    """The staged revisions failed the smoke test; no traffic was moved."""


def try_next_revision(cloud: Cloud, settings: Settings, fetch: Fetch = fetch) -> str:
    """Run a saga of three steps through the staged revisions; return a line with its result.

    It tests the code, the accounts, the role to act as the tasks' account, the queue, the worker,
    the database and the indexes together, and that the database refuses a write with a stale
    version. Raises SmokeFailed if the saga does not complete in time.
    """
    return _Probe(cloud, settings, fetch).run()


class _Probe:
    def __init__(self, cloud: Cloud, settings: Settings, fetch: Fetch) -> None:
        self._cloud, self._settings, self._fetch = cloud, settings, fetch
        self._ends = cloud.now() + PATIENCE.total_seconds()
        self._tokens: dict[str, str] = {}

    def run(self) -> str:
        saga_id = f"probe-{secrets.token_hex(8)}"
        self._ask("start_saga", 202, {"name": PROBE, "id": saga_id, "payload": {}})
        status, error = self._await_end(saga_id)
        if status != "COMPLETED":
            said = f": {error}" if error else ""
            raise SmokeFailed(
                f"no traffic was moved, because the probe saga {saga_id} is {status}{said}"
            )
        query = urlencode({"name": PROBE, "status": "COMPLETED", "page_size": "1"})
        self._ask("list_sagas", 200, query=query)
        return f"the probe saga {saga_id} completed on the staged revisions"

    def _await_end(self, saga_id: str) -> tuple[str, str]:
        """Return the saga's final or current status, and why it rolled back."""
        while True:
            saga = json.loads(self._ask("get_saga", 200, query=urlencode({"id": saga_id})))
            status = str(saga.get("status"))
            moves = status in ("PENDING", "RUNNING", "ROLLING_BACK")
            if not moves or self._cloud.now() > self._ends:
                return status, str(saga.get("error") or "")
            self._cloud.sleep(PAUSE)

    def _ask(self, target: str, expected: int, body: Any = None, query: str = "") -> str:
        """Call a staged function until it answers with the expected status; return the body."""
        service = API if self._settings.mode == "api" else target
        root = url_of(service, self._settings, NEXT)
        url = f"{root}/{target.replace('_', '-')}" + (f"?{query}" if query else "")
        while True:
            token = self._token_for(service)
            status, text = self._fetch("POST" if body else "GET", url, token, body)
            if status == expected:
                return text
            if status not in NOT_YET or self._cloud.now() > self._ends:
                raise SmokeFailed(
                    f"no traffic was moved, because {url} answered {status}: {text[:500]}"
                )
            self._cloud.sleep(PAUSE)

    def _token_for(self, service: str) -> str:
        """Return an ID token of the build's account for a service.

        It is the only kind of token that the build may request from IAM.
        """
        if service not in self._tokens:
            account = self._settings.email(self._settings.build_account)
            answer = self._cloud.send(
                "POST",
                f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}"
                ":generateIdToken",
                {"audience": url_of(service, self._settings), "includeEmail": True},
            )
            self._tokens[service] = str(answer["token"])
        return self._tokens[service]
