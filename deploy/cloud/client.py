"""The interface to Google Cloud: gcloud, and its REST APIs for large requests."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Failed(RuntimeError):
    """A command or a request failed; the message contains the request and the response."""


class Clock(Protocol):
    """Tells the time and sleeps."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def sleep(self, pause: timedelta) -> None:
        """Sleep."""


class Cloud(Clock, Protocol):
    """One project.

    Every method retries transient errors, such as a conflict or a busy service, and raises Failed
    for any other error.
    """

    def read(self, *words: str) -> Any:
        """Return the JSON that a gcloud command (without `gcloud`) prints; None for no output."""

    def change(self, *words: str) -> None:
        """Print a gcloud command that changes something, and run it."""

    def get(self, url: str) -> Any:
        """Return the resource of a REST API at a URL."""

    def send(self, method: str, url: str, body: Any) -> Any:
        """Print a request that changes something, send it, and return the response.

        Retried while the service is busy, but not after a conflict.
        """

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for every item, some concurrently; raise the first error."""


def list_pages(cloud: Cloud, url: str, field: str) -> Iterator[Any]:
    """Yield the items of a REST API's list, from all pages."""
    token = ""
    while True:
        page = cloud.get(f"{url}?pageSize=100&pageToken={token}") or {}
        yield from page.get(field, [])
        token = page.get("nextPageToken", "")
        if not token:
            return


class DryRun:
    """Prints the commands that would change an empty project, and runs nothing."""

    def __init__(self, project: str) -> None:
        self._project = f"--project={project}"

    def now(self) -> float:
        """Return 0: a dry run does not wait."""
        return 0.0

    def sleep(self, _pause: timedelta) -> None:
        """Do not wait."""

    def read(self, *_words: str) -> Any:
        """Return None: the project is empty."""
        return None

    def change(self, *words: str) -> None:
        """Print a command."""
        print(render(*words, self._project))

    def get(self, _url: str) -> Any:
        """Return an empty resource: the project is empty."""
        return {}

    def send(self, method: str, url: str, body: Any) -> Any:
        """Print a request, and return a finished operation."""
        print(render_request(method, url, body))
        return {"done": True}

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for the items in order."""
        for item in items:
            action(item)


def render(*words: str) -> str:
    """Return a command to paste into a shell; of a flag, only the value is quoted."""
    return " ".join(["gcloud", *map(_quote, words)])


def render_request(method: str, url: str, body: Any) -> str:
    """Return a request on one line: the method, the URL, and the body as YAML."""
    return f"{method} {url} {_flow(body)}" if body else f"{method} {url}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quote(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{name}={shlex.quote(value)}" if word.startswith("--") and equals else shlex.quote(word)
