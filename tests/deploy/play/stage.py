"""The real gcloud and our REST client on the fake project, and a record of their requests."""

import copy
import re
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.cloud.client import render, render_request
from deploy.cloud.gcloud import Shell, fetch, run_gcloud
from tests.deploy.project.project import Project
from tests.deploy.project.words import Words

READS = re.compile(r"GET |\S+ \S+:getIamPolicy$")


class Different(AssertionError):
    """The unit tests' stand-in makes other requests for a command than gcloud does."""


class Theatre(Shell):
    """A shell whose gcloud is the real one, whose cloud is the fake, and whose time is the fake's.

    Every command is compared with what `Words`, the unit tests' gcloud, would have asked for.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        super().__init__(project.state.project, self._gcloud, self._rest)
        self.project, self._folder = project, folder
        self._shown = threading.Lock()
        self.commands = 0
        self.requests = 0
        self.member = "user:owner@example.com"

    def act_as(self, member: str) -> None:
        """Act as another member, with a new token."""
        self.member = member
        (self._folder / "token").write_text(member)
        self._token = ""

    def show(self, line: str) -> None:
        """Show nothing yet: a command is shown with its answer."""

    def now(self) -> float:
        return self.project.state.now

    def sleep(self, pause: timedelta) -> None:
        self.project.state.now += pause.total_seconds()

    def _gcloud(self, words: Sequence[str]) -> tuple[int, str, str]:
        before, heard = copy.deepcopy(self.project), len(self.project.log)
        code, printed, complaint = run_gcloud(words)
        self.commands += 1
        said = self.project.log[heard:]
        self.show_answers(render(*words), said, complaint if code else "")
        if list(words[:2]) != ["auth", "print-access-token"]:
            self._compare(words, said, before, len(before.log))
        return code, printed, complaint

    def _rest(self, method: str, url: str, token: str, body: Any) -> tuple[int, str]:
        status, text = fetch(method, url, token, body)
        self.requests += 1
        if method != "GET":
            with self._shown:
                said = render_request(method, url.split("googleapis.com/")[-1], body)
                print(f"  REST {said[:230]}\n      {status}", flush=True)
        return status, text

    def show_answers(self, line: str, said: list[Any], complaint: str) -> None:
        """Show a command, its requests with their answers, and its error output."""
        with self._shown:
            print(f"  {line.removesuffix(' --quiet')[:230]}")
            for _, method, url, status in said:
                print(f"      {status} {method} {urlsplit(url).path}")
            if complaint:
                print(f"      {complaint.splitlines()[0][:200]}", flush=True)

    def _compare(self, words: Sequence[str], said: list[Any], before: Project, heard: int) -> None:
        Words(before, self.member)(words)
        real, ours = _changes(said), _changes(before.log[heard:])
        if real != ours:
            raise Different(f"{render(*words)}\ngcloud: {real}\nours:   {ours}")


def _changes(log: list[Any]) -> list[str]:
    """Return the requests that change something, with their answers, in no order."""
    lines = [f"{method} {urlsplit(url).path} {status}" for _, method, url, status in log]
    return sorted(line for line in lines if not READS.match(line.rpartition(" ")[0]))
