"""How gcloud is spoken to: for real, or only to show what would be said."""

import json
import shlex
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

#: gcloud takes a second or two of one processor for a call, and most of the wait is Google's.
AT_ONCE = 8


class Failed(RuntimeError):
    """A gcloud command failed; the message is the command and what gcloud said."""


class Gcloud(Protocol):
    """Something that gcloud commands are said to; the word `gcloud` is left out."""

    def read(self, *words: str) -> Any:
        """Return the JSON that a command prints; None for nothing."""

    def text(self, *words: str) -> str:
        """Return what a command prints."""

    def change(self, *words: str) -> None:
        """Run a command that changes something."""

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for every item, some at once; the first error is raised."""


class Shell:
    """Runs the commands in a project, each shown before it changes something. Raises Failed."""

    def __init__(self, project: str) -> None:
        self._project = f"--project={project}"

    def read(self, *words: str) -> Any:
        """Return the JSON that a command prints."""
        return json.loads(self.text(*words, "--format=json") or "null")

    def text(self, *words: str) -> str:
        """Return what a command prints."""
        done = subprocess.run(  # noqa: S603
            ["gcloud", *words, self._project, "--quiet"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{render(*words, self._project)}\n{done.stderr.strip()}")
        return done.stdout.strip()

    def change(self, *words: str) -> None:
        """Show a command and run it."""
        print(render(*words, self._project), flush=True)
        self.text(*words)

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for the items from several threads."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(action, items):
                pass


class DryRun:
    """Shows the commands that would change something in an empty project, and runs none."""

    def __init__(self, project: str) -> None:
        self._project = f"--project={project}"

    def read(self, *_words: str) -> Any:
        """Return nothing: there is nothing yet."""
        return None

    def text(self, *_words: str) -> str:
        """Return nothing."""
        return ""

    def change(self, *words: str) -> None:
        """Show a command."""
        print(render(*words, self._project))

    def each(self, action: Callable[[T], object], items: Iterable[T]) -> None:
        """Call `action` for the items in their order."""
        for item in items:
            action(item)


def render(*words: str) -> str:
    """Return a command as a person types it into a shell: of a flag, the value alone is quoted."""
    return " ".join(["gcloud", *map(_quote, words)])


def _quote(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{name}={shlex.quote(value)}" if word.startswith("--") and equals else shlex.quote(word)
