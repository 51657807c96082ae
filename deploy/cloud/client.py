"""How Google Cloud is spoken to: by gcloud, and by its REST APIs where there is much to say."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Failed(RuntimeError):
    """A command or a request failed; the message is what was said and what was answered."""


class Clock(Protocol):
    """What waiting needs."""

    def now(self) -> float:
        """Return seconds that only rise."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Cloud(Clock, Protocol):
    """One project. Every method that speaks raises Failed when the answer is a no.

    What passes by itself, such as a conflict or a busy service, is tried again first.
    """

    def read(self, *words: str) -> Any:
        """Return the JSON that a gcloud command prints; None for nothing. `gcloud` is left out."""

    def change(self, *words: str) -> None:
        """Show a gcloud command that changes something, and run it."""

    def get(self, url: str) -> Any:
        """Return what a REST API has under an address."""

    def send(self, method: str, url: str, body: Any) -> Any:
        """Show a request that changes something, send it, and return the answer.

        It is sent again while the service is busy, and not after a conflict.
        """

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for every item, some at once; the first error is raised."""


def list_pages(cloud: Cloud, url: str, field: str) -> Iterator[Any]:
    """Yield what a REST API lists under an address, from all of its pages."""
    token = ""
    while True:
        page = cloud.get(f"{url}?pageSize=100&pageToken={token}") or {}
        yield from page.get(field, [])
        token = page.get("nextPageToken", "")
        if not token:
            return


class DryRun:
    """Shows what would be said to change an empty project, and says nothing."""

    def __init__(self, project: str) -> None:
        self._project = f"--project={project}"

    def now(self) -> float:
        """Return 0: nothing is waited for."""
        return 0.0

    def sleep(self, _seconds: float) -> None:
        """Do not wait."""

    def read(self, *_words: str) -> Any:
        """Return nothing: there is nothing yet."""
        return None

    def change(self, *words: str) -> None:
        """Show a command."""
        print(render(*words, self._project))

    def get(self, _url: str) -> Any:
        """Return nothing: there is nothing yet."""
        return {}

    def send(self, method: str, url: str, body: Any) -> Any:
        """Show a request; the answer is that it is done."""
        print(render_request(method, url, body))
        return {"done": True}

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for the items in their order."""
        for item in items:
            action(item)


def render(*words: str) -> str:
    """Return a command as a person types it into a shell: of a flag, the value alone is quoted."""
    return " ".join(["gcloud", *map(_quote, words)])


def render_request(method: str, url: str, body: Any) -> str:
    """Return a request on one line: the method, the address, and what is stated, as YAML has it."""
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
