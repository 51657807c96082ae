"""Mutated requests to the local Cloud Tasks."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import grpc
from google.protobuf import json_format

from local.tasks.embedded import serve
from local.tasks.v2.messages import load_message
from tests.fuzz.mutation import Mutator
from tests.fuzz.rounds import call

_SERVICE = "/google.cloud.tasks.v2.CloudTasks"
_LOCATION = "projects/p/locations/l"
#: The queue of the corpus; each round has its own, with a name of the same length.
_QUEUE = "fuzz-000000"
_PARENT = f"{_LOCATION}/queues/{_QUEUE}"
_TASK = f"{_PARENT}/tasks/t"
#: Nothing listens there, nor at an address with one changed digit.
_URL = "http://127.0.0.1:1/run?a=1"
_RETRY = {
    "maxAttempts": 3,
    "minBackoff": "0.1s",
    "maxBackoff": "60s",
    "maxDoublings": 2,
    "maxRetryDuration": "30s",
}
_REQUEST = {
    "url": _URL,
    "httpMethod": "PUT",
    "headers": {"Content-Type": "text/plain"},
    "body": "e30=",
    "oidcToken": {"serviceAccountEmail": "a@b", "audience": "c"},
}
_WORK = {"name": _TASK, "httpRequest": _REQUEST, "retryConfig": _RETRY, "dispatchDeadline": "15s"}
_SOON = (datetime.now(UTC) + timedelta(days=20)).isoformat()
_APP_WORK = {
    "appEngineHttpRequest": {
        "relativeUri": "/x",
        "headers": {"User-Agent": "me"},
        "body": "e30=",
        "appEngineRouting": {"service": "s"},
    }
}
_LATER = {"httpRequest": {"url": _URL}, "scheduleTime": _SOON}
_TARGET = {
    "uriOverride": {"port": "1", "pathOverride": {"path": "/x"}},
    "httpMethod": "POST",
    "headerOverrides": [{"header": {"key": "a", "value": "b"}}],
}
_SETTINGS = {
    "name": _PARENT,
    "rateLimits": {"maxDispatchesPerSecond": 5, "maxConcurrentDispatches": 2},
    "retryConfig": _RETRY,
    "httpTarget": _TARGET,
}
_BIRTH: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CreateQueue", {"parent": _LOCATION, "queue": {"name": _PARENT}}),
    ("CreateTask", {"parent": _PARENT, "task": {"name": _TASK, **_LATER}}),
)
_DEATH: tuple[tuple[str, dict[str, Any]], ...] = (("DeleteQueue", {"name": _PARENT}),)
_CORPUS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ListQueues", {"parent": _LOCATION, "filter": "state: PAUSED", "pageSize": 2}),
    ("GetQueue", {"name": _PARENT}),
    ("CreateQueue", {"parent": _LOCATION, "queue": _SETTINGS}),
    ("UpdateQueue", {"queue": _SETTINGS, "updateMask": "rateLimits,retryConfig.maxAttempts"}),
    ("DeleteQueue", {"name": _PARENT}),
    ("PurgeQueue", {"name": _PARENT}),
    ("PauseQueue", {"name": _PARENT}),
    ("ResumeQueue", {"name": _PARENT}),
    ("ListTasks", {"parent": _PARENT, "responseView": "FULL", "pageSize": 1}),
    ("GetTask", {"name": _TASK, "responseView": "FULL"}),
    ("CreateTask", {"parent": _PARENT, "task": _WORK, "responseView": "FULL"}),
    ("CreateTask", {"parent": _PARENT, "task": _LATER}),
    ("CreateTask", {"parent": _PARENT, "task": _APP_WORK}),
    ("DeleteTask", {"name": _TASK}),
    ("RunTask", {"name": _TASK, "responseView": "BASIC"}),
    ("BatchCreateTasks", {"parent": _PARENT, "requests": [{"parent": _PARENT, "task": _WORK}] * 2}),
    ("BatchDeleteTasks", {"parent": _PARENT, "names": [_TASK, f"{_TASK}2"]}),
)
_TEXTS = (_LOCATION, _PARENT, _TASK, f"{_PARENT}/tasks/", _URL, "http://[::1", "http://127.0.0.1:1")


class TasksRequests:
    """Sends a few almost valid requests to a new queue."""

    def __init__(self, data: Path) -> None:
        self._server = serve(data, app_engine="http://127.0.0.1:1")
        self._channel = grpc.insecure_channel(self._server.address)
        self._birth, self._corpus, self._death = map(_parse, (_BIRTH, _CORPUS, _DEATH))
        self._mutator = Mutator((request for _, request in self._corpus), _TEXTS)
        self._numbers = itertools.count(1)

    def fuzz_once(self, random: Random) -> None:
        """Create a queue, send it mutated requests, and delete it."""
        queue = f"fuzz-{next(self._numbers):06}"
        for method, request in self._birth:
            self._send(method, queue, request.SerializeToString())
        for _ in range(random.randint(1, 6)):
            method, request = random.choice(self._corpus)
            self._send(method, queue, self._mutator.mutate(request, random))
        for method, request in self._death:
            self._send(method, queue, request.SerializeToString())

    def close(self) -> None:
        """End the server."""
        self._channel.close()
        self._server.stop()

    def _send(self, method: str, queue: str, data: bytes) -> None:
        renamed = data.replace(_QUEUE.encode(), queue.encode())
        call(self._channel, f"{_SERVICE}/{method}", renamed)


def _parse(requests: Iterable[tuple[str, dict[str, Any]]]) -> list[tuple[str, Any]]:
    return [
        (method, json_format.ParseDict(fields, load_message(f"{method}Request")()))
        for method, fields in requests
    ]
