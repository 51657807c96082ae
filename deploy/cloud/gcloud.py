"""The real project: runs gcloud, and sends REST requests with gcloud's token."""

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from deploy.cloud.client import Failed, render, render_request
from deploy.cloud.retry import BUSY, persist

T = TypeVar("T")

#: Concurrent requests. Cloud Run accepts 180 writes per minute in a project and region.
CONCURRENCY = 8

#: Runs a gcloud command, given its words; returns exit code, output and error output.
Run = Callable[[Sequence[str]], tuple[int, str, str]]

#: Sends a request: method, URL, token, body; returns the status (0: no response) and the body.
Fetch = Callable[[str, str, str, Any], tuple[int, str]]


def run_gcloud(words: Sequence[str]) -> tuple[int, str, str]:
    """Run gcloud and return its exit code and both its outputs.

    gcloud has its own packages, so PYTHONPATH must not lead it to ours.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603
        ["gcloud", *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def fetch(method: str, url: str, token: str, body: Any = None) -> tuple[int, str]:
    """Send a request with a bearer token; return its status and body, also of an error."""
    request = urllib.request.Request(  # noqa: S310
        _overridden(url),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except OSError as failure:
        return 0, str(failure)


class Shell:
    """Runs commands and requests on a project, and prints those that change it. Raises Failed."""

    def __init__(self, project: str, run: Run = run_gcloud, fetch: Fetch = fetch) -> None:
        self._project = f"--project={project}"
        self._run, self._fetch = run, fetch
        self._token = ""
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def sleep(self, pause: timedelta) -> None:
        """Sleep."""
        time.sleep(pause.total_seconds())

    def read(self, *words: str) -> Any:
        """Return the JSON that a command prints."""
        printed = persist(self, lambda: self._say(*words, "--format=json"))
        return json.loads(printed or "null")

    def change(self, *words: str) -> None:
        """Print a command and run it."""
        self.show(render(*words, self._project))
        persist(self, lambda: self._say(*words))

    def get(self, url: str) -> Any:
        """Return the resource at a URL."""
        return persist(self, lambda: self._request("GET", url, None))

    def send(self, method: str, url: str, body: Any) -> Any:
        """Print a request and send it.

        Not retried after a conflict: the caller must first read the resource again.
        """
        self.show(render_request(method, url, body))
        return persist(self, lambda: self._request(method, url, body), BUSY) or {}

    def show(self, line: str) -> None:
        """Print a command or request before it runs."""
        print(line, flush=True)

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for the items from several threads."""
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for _ in pool.map(action, items):
                pass

    def _say(self, *words: str) -> str:
        code, printed, complaint = self._run([*words, self._project, "--quiet"])
        if code:
            raise Failed(f"{render(*words, self._project)}\n{complaint}")
        return printed

    def _request(self, method: str, url: str, body: Any) -> Any:
        token = self._token_now()
        status, text = self._fetch(method, url, token, body)
        if status == 401:
            status, text = self._fetch(method, url, self._token_now(expired=token), body)
        if status == 0:
            raise Failed(f"{method} {url}\nUNAVAILABLE: no response: {text}")
        if not 200 <= status < 300:
            raise Failed(f"{method} {url}\n{status} {_reason_of(text)}")
        return json.loads(text or "{}")

    def _token_now(self, expired: str = "") -> str:
        """Return the token that all requests share; replace it if it is `expired`."""
        with self._lock:
            if self._token == expired:
                self._token = persist(self, lambda: self._say("auth", "print-access-token")) or ""
            return self._token


class ReadOnlyShell(Shell):
    """Reads the project, and only prints the commands that would change it."""

    def change(self, *words: str) -> None:
        """Print a command."""
        self.show(render(*words, self._project))

    def send(self, method: str, url: str, body: Any) -> Any:
        """Print a request, and return a finished operation."""
        self.show(render_request(method, url, body))
        return {"done": True}


def _reason_of(text: str) -> str:
    try:
        error = json.loads(text)["error"]
        return f"{error.get('status', '')}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return text[:500]


def _overridden(url: str) -> str:
    """Return a URL with gcloud's override of the API's endpoint, if there is one."""
    parts = urlsplit(url)
    api = (parts.hostname or "").removesuffix(".googleapis.com").upper()
    other = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}", "")
    return url.replace(f"https://{parts.netloc}/", other, 1) if other else url
